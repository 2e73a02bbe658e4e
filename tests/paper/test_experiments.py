import acai_tf  # noqa: F401  (registers the methods)
from lib.paper import experiments


def test_the_samples_experiments_are_the_vae_under_four_weights_and_three_others():
    wanted = experiments.of_table('samples')
    names = [experiment.folder('T').name for experiment in wanted]
    assert names == [
        'VAE_beta1.0_depth16_latent16_scales4',
        *(
            f'VAE_advdepth16_advweight{weight}_beta1.0_depth16_latent16_reg0.2_scales4'
            for weight in (0.1, 0.5, 1.0)
        ),
        'AAE_adversary_lr0.0001_depth16_disc_layer_sizes100,100_latent16_scales4',
        'ACAI_advdepth16_advweight0.5_depth16_latent16_reg0.2_scales4',
        'AEBaseline_depth16_latent16_scales4',
    ]
    assert len({experiment.title for experiment in wanted}) == len(wanted)
    assert wanted[2].title == 'VAE advweight=0.5 lines32/64'
    assert '--advweight=0.5' in wanted[2].command
