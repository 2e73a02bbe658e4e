"""ACAI on data that are not pictures: scikit-learn's 1,797 digits as vectors of 64 numbers.

    python -m examples.digits_vectors

Trains dense networks with the critic and without it (with advweight=0, the same autoencoder ignores
the critic). Prints, for each, the running classifier's accuracy on the latents of the test digits
and the mean squared error, over 5 seeds.
"""
import acai_tf  # noqa: I001  (first, for it sets TensorFlow up)
import keras
import numpy as np
from absl import app, flags
from sklearn import datasets, model_selection

FLAGS = flags.FLAGS
flags.DEFINE_integer('seeds', 5, 'How many.', 1)
flags.DEFINE_integer('epochs', 60, 'Passes over the 1,347 training digits.', 1)

LATENTS, BATCH, LR = 8, 32, 1e-3


def load():
    """Training and test digits: x (n, 64) in [-1, 1], labels one-hot (n, 10)."""
    digits = datasets.load_digits()
    x = digits.data.astype('float32') / 8 - 1
    label = np.eye(10, dtype='float32')[digits.target]
    x, x_test, label, label_test = model_selection.train_test_split(x, label, random_state=0)
    return (x, label), (x_test, label_test)


def make_model(advweight, seed):
    dense = keras.layers.Dense
    encoder = keras.Sequential([
        keras.Input((64,)), dense(64, activation='leaky_relu'), dense(64, activation='leaky_relu'),
        dense(LATENTS),
    ])
    decoder = keras.Sequential([
        dense(64, activation='leaky_relu'), dense(64, activation='leaky_relu'), dense(64),
    ])
    return acai_tf.ACAI(
        encoder=encoder, decoder=decoder, nclass=10, lr=LR, advweight=advweight, seed=seed
    )


def score(advweight, seed, epochs):
    """(accuracy in %, mean squared error) on the test digits after training."""
    keras.utils.set_random_seed(seed)
    (x, label), (x_test, label_test) = load()
    model = make_model(advweight, seed)
    model.compile()
    model.fit(x, label, batch_size=BATCH, epochs=epochs, verbose=0)
    right = np.asarray(model.classify(x_test)) == label_test.argmax(axis=1)
    error = np.mean((np.asarray(model.reconstruct(x_test)) - x_test) ** 2)
    return 100 * right.mean(), error


def main(_):
    trained = f'{FLAGS.seeds} seeds, {FLAGS.epochs} epochs'
    print(f'| {trained} | latent accuracy % | mean squared error |')
    print('|---|--:|--:|')
    for title, advweight in (('autoencoder', 0.0), ('ACAI', 0.5)):
        scores = np.array([score(advweight, seed, FLAGS.epochs) for seed in range(FLAGS.seeds)])
        accuracy, error = scores.mean(axis=0)
        accuracy_sd, error_sd = scores.std(axis=0, ddof=1) if FLAGS.seeds > 1 else (0, 0)
        print(f'| {title} | {accuracy:.1f}±{accuracy_sd:.1f} | {error:.4f}±{error_sd:.4f} |')


if __name__ == '__main__':
    app.run(main)
