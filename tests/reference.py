"""The methods' mathematics once more, in float64 NumPy, from the paper and the original's facts.

Nothing here uses the code under test. Weights are looked up by the names of the original's
checkpoints.
"""
import numpy as np


def conv(x, kernel, bias):
    """Zero-padded 'same' convolution with stride 1: x (B, H, W, C), kernel (k, k, C, F)."""
    size, (_, height, width, _) = kernel.shape[0], x.shape
    x = np.pad(x, ((0, 0), (size // 2,) * 2, (size // 2,) * 2, (0, 0)))
    return bias + sum(
        x[:, row : row + height, column : column + width] @ kernel[row, column]
        for row in range(size)
        for column in range(size)
    )


def leaky_relu(x):
    return np.where(x > 0, x, 0.2 * x)


class Weights(dict):
    """{original's name: array}, with the layers that read it."""

    def conv(self, x, scope, index):
        name = f'{scope}/conv2d_{index}' if index else f'{scope}/conv2d'
        return conv(x, self[f'{name}/kernel'], self[f'{name}/bias'])

    def dense(self, x, name):
        return x @ self[f'{name}/kernel'] + self[f'{name}/bias']

    def encoder(self, x, scope, scales):
        x = self.conv(x, scope, 0)
        for scale in range(scales):
            x = leaky_relu(self.conv(x, scope, 1 + 2 * scale))
            x = leaky_relu(self.conv(x, scope, 2 + 2 * scale))
            x = (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4
        x = leaky_relu(self.conv(x, scope, 1 + 2 * scales))
        return self.conv(x, scope, 2 + 2 * scales)

    def decoder(self, x, scope, scales):
        for scale in range(scales):
            x = leaky_relu(self.conv(x, scope, 2 * scale))
            x = leaky_relu(self.conv(x, scope, 2 * scale + 1))
            x = x.repeat(2, axis=1).repeat(2, axis=2)
        x = leaky_relu(self.conv(x, scope, 2 * scales))
        return self.conv(x, scope, 2 * scales + 1)

    def critic(self, x, scales):
        return self.encoder(x, 'disc', scales).mean(axis=(1, 2, 3), keepdims=True)


def flat(x):
    return x.reshape(len(x), -1)


def mse(x, y):
    return np.mean((x - y) ** 2)


def rmse(mse):
    return np.sqrt(mse) * 127.5


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def binary_cross_entropy(logits, target):
    return -(target * np.log(sigmoid(logits)) + (1 - target) * np.log(sigmoid(-logits)))


def cross_entropy(logits, label):
    return np.mean(np.log(np.exp(logits).sum(axis=1)) - (label * logits).sum(axis=1))


def losses(method, weights, params, x, label, noise, frozen=None):
    """Objectives and scalars of a method.

    Args:
        method: class name.
        weights: {name: array}.
        params: its hyper-parameters.
        x, label, noise: a batch, as arrays.
        frozen: a dict, in which the first call keeps what gradients must not flow through (the
            VQ-VAE's codes) and later calls find it.

    Returns:
        ({group: objective}, {tag: scalar}).
    """
    frozen = {} if frozen is None else frozen
    features, objectives, scalars = METHODS[method](
        Weights(weights), params, x, noise, frozen
    )
    classified = Weights(weights).dense(flat(features), 'single_layer_classifier/dense')
    loss = cross_entropy(classified, label)
    return {**objectives, 'classifier': loss}, {**scalars, 'classify_latent': loss}


def _plain(w, params, x, noise, frozen):
    """Baseline, denoising and dropout."""
    scales = params['scales']
    h = features = w.encoder(x, 'ae_encoder', scales)
    if 'noise' in noise:
        h = w.encoder(x + noise['noise'], 'ae_encoder', scales)
    if 'mask' in noise:
        h = h * noise['mask'] / params['dropout']
    loss = mse(x, w.decoder(h, 'ae_decoder', scales))
    return features, {'autoencoder': loss}, {'loss': loss, 'rmse': rmse(loss)}


def _regulariser(w, params, x, ae, x_mix, alpha):
    answer = w.critic(x_mix, params['scales'])
    blend = ae + params['reg'] * (x - ae)
    return {
        'loss_disc': mse(answer, alpha),
        'loss_ae_disc': mse(answer, 0),
        'loss_disc_real': mse(w.critic(blend, params['scales']), 0),
    }


def _acai(w, params, x, noise, frozen):
    scales, alpha = params['scales'], noise['alpha']
    h = w.encoder(x, 'ae_enc', scales)
    ae = w.decoder(h, 'ae_dec', scales)
    x_mix = w.decoder(alpha * h + (1 - alpha) * h[::-1], 'ae_dec', scales)
    critic = _regulariser(w, params, x, ae, x_mix, alpha)
    objectives = {
        'autoencoder': mse(x, ae) + params['advweight'] * critic['loss_ae_disc'],
        'critic': critic['loss_disc'] + critic['loss_disc_real'],
    }
    return h, objectives, {'rmse': rmse(mse(x, ae)), 'loss_ae': mse(x, ae), **critic}


def _lrae(w, params, x, noise, frozen):
    scales = params['scales']
    h = w.encoder(x, 'ae_enc', scales)
    ae = w.decoder(h, 'ae_dec', scales)
    real, fake = w.critic(x, scales), w.critic(ae, scales)
    loss_disc, loss_ae_disc = mse(real, 0) + mse(fake, 1), mse(fake, 0)
    loss_ae = mse(x, ae)
    return (
        h,
        {'autoencoder': loss_ae + params['advweight'] * loss_ae_disc, 'critic': loss_disc},
        {
            'rmse': rmse(loss_ae),
            'loss_ae': loss_ae,
            'loss_disc': loss_disc,
            'loss_ae_disc': loss_ae_disc,
        },
    )


def _vae(w, params, x, noise, frozen):
    scales = params['scales']
    features = w.encoder(x, 'ae_enc', scales)
    mu = w.dense(flat(features), 'ae_latent/dense').reshape(features.shape)
    log_sigma2 = w.dense(flat(features), 'ae_latent/dense_1').reshape(features.shape)
    z = mu + np.sqrt(np.exp(log_sigma2)) * noise['eps']
    logits = w.decoder(z, 'ae_dec', scales)
    kl = 0.5 * np.sum(-log_sigma2 - 1 + np.exp(log_sigma2) + mu**2) / len(x)
    ll = -np.sum(binary_cross_entropy(logits, 0.5 * (x + 1))) / len(x)
    elbo = ll - params['beta'] * kl
    objectives, scalars = {'autoencoder': -elbo}, {'loss_kl': kl, 'loss_ll': ll, 'elbo': elbo}
    if 'advweight' in params:
        alpha = noise['alpha']
        x_mix = 2 * sigmoid(w.decoder(alpha * z + (1 - alpha) * z[::-1], 'ae_dec', scales)) - 1
        critic = _regulariser(w, params, x, 2 * sigmoid(logits) - 1, x_mix, alpha)
        objectives['autoencoder'] += params['advweight'] * critic['loss_ae_disc']
        objectives['critic'] = critic['loss_disc'] + critic['loss_disc_real']
        scalars.update(critic)
    return features, objectives, scalars


def _aae(w, params, x, noise, frozen):
    scales, sizes = params['scales'], params['disc_layer_sizes'].split(',')
    h = w.encoder(x, 'ae_enc', scales)
    loss_ae = mse(x, w.decoder(h, 'ae_dec', scales))

    def discriminator(h):
        h = flat(h)
        for index in range(len(sizes)):
            h = leaky_relu(w.dense(h, f'disc/dense_{index}' if index else 'disc/dense'))
        return w.dense(h, f'disc/dense_{len(sizes)}')

    latent, prior = discriminator(h), discriminator(noise['prior'])
    loss_adv_latent = binary_cross_entropy(latent, 0).mean()
    loss_adv_prior = binary_cross_entropy(prior, 1).mean()
    loss_ae_latent = binary_cross_entropy(latent, 1).mean()
    return (
        h,
        {
            'autoencoder': loss_ae + loss_ae_latent,
            'discriminator': loss_adv_prior + loss_adv_latent,
        },
        {
            'loss_ae': loss_ae,
            'loss_adv_latent': loss_adv_latent,
            'loss_adv_prior': loss_adv_prior,
            'loss_ae_latent': loss_ae_latent,
            'adversary_accuracy': 0.5 * ((latent <= 0).mean() + (prior > 0).mean()),
        },
    )


def _vqvae(w, params, x, noise, frozen):
    h = w.encoder(x, 'ae_encoder', params['scales'])
    hidden = flat(h).shape[1]
    vectors = w.dense(flat(h), 'vqvae/dense').reshape(-1, hidden)
    if not frozen:
        distance = ((vectors[:, None] - w['means'].reshape(-1, hidden)) ** 2).sum(axis=2)
        frozen['codes'] = w['means'].reshape(-1, hidden)[distance.argmin(axis=1)]
        frozen['step'] = frozen['codes'] - vectors
        frozen['assignment'] = distance.argmin(axis=1)
    quantized = (vectors + frozen['step']).reshape(len(x), -1)
    features = w.dense(np.maximum(quantized, 0), 'vqvae/bottleneck/vch2')
    features = w.dense(np.maximum(features, 0), 'vqvae/bottleneck/vcfin')
    ae = w.decoder(features.reshape(h.shape), 'vqvae/ae_decoder', params['scales'])
    vqvae_loss = params['beta'] * mse(vectors, frozen['codes'])
    return (
        features,
        {'autoencoder': mse(x, ae) + vqvae_loss},
        {'rmse': rmse(mse(x, ae)), 'loss_ae': mse(x, ae), 'vqvae_loss': vqvae_loss},
    )


METHODS = {
    'AEBaseline': _plain,
    'AEDenoising': _plain,
    'AEDropout': _plain,
    'ACAI': _acai,
    'LRAE': _lrae,
    'VAE': _vae,
    'AAE': _aae,
    'AEVQVAE': _vqvae,
}
