import dataclasses

import acai_tf  # noqa: F401  (registers the methods)
from lib.paper import experiments, kinds, results


def test_the_samples_experiments_are_the_vae_under_six_weights_and_three_others():
    wanted = experiments.of_table('samples')
    names = [experiment.folder('T').name for experiment in wanted]
    assert names == [
        'VAE_beta1.0_depth16_latent16_scales4',
        *(
            f'VAE_advdepth16_advweight{weight}_beta1.0_depth16_latent16_reg0.2_scales4'
            for weight in (0.1, 0.5, 1.0, 10.0, 100.0)
        ),
        'AAE_adversary_lr0.0001_depth16_disc_layer_sizes100,100_latent16_scales4',
        'ACAI_advdepth16_advweight0.5_depth16_latent16_reg0.2_scales4',
        'AEBaseline_depth16_latent16_scales4',
    ]
    assert len({experiment.title for experiment in wanted}) == len(wanted)
    assert wanted[2].title == 'VAE advweight=0.5 lines32/64'
    assert '--advweight=0.5' in wanted[2].command


def test_a_method_of_ones_own_is_made_at_the_sizes_of_the_papers(monkeypatch):
    monkeypatch.setitem(experiments._methods, 'Own', (lambda **sizes: sizes, 'own'))
    own, acai = experiments.of_table(1, class_names=['Own', 'ACAI'])
    assert (own.class_name, own.command[0]) == ('Own', 'own.py')
    assert own.command[1:] == acai.command[1:] and own.key == acai.key
    run = results.Run('T/lines32/Own', 'Own', 'lines32', own.params)
    assert kinds.settings_texts(run) == ()
    assert kinds.settings_texts(dataclasses.replace(run, params=own.params | {'depth': 2}))
