from acai_tf import load
from lib.paper import kinds, results
from tests.made_runs import PARAMS, reported


def test_another_precision_is_another_setting(tmp_path):
    options = {'precision': 'mixed_bfloat16', 'devices': 2}
    for name, recorded in ('RUN1', {'precision': 'float32', 'devices': 1}), ('RUN2', options):
        reported(tmp_path / name, {'mean_distance': {65: 0.1}}, **recorded)
    found = load.find_runs(str(tmp_path))
    assert [kinds.settings(run) for run in found] == [{}, options]


def test_settings_that_are_not_the_papers(tmp_path):
    reported(tmp_path / 'a', {}, depth=32, lr=0.01)
    reported(tmp_path / 'b', {}, name='AEDropout_depth16_dropout0.9_latent16_scales4', dropout=0.9)
    reported(tmp_path / 'c', {}, name='ACAI_x', advweight=0.5, advdepth=16, reg=0.2)
    reported(tmp_path / 'd', {}, dataset='cifar10', name='AEDropout_x', scales=3, depth=64,
             dropout=0.75)  # fmt: skip
    critic = {'beta': 1.0, 'advweight': 0.5, 'advdepth': 16}  # and reg of 0.2 where nothing is said
    reported(tmp_path / 'e', {}, name='VAE_x', **critic, reg=0.2)
    reported(tmp_path / 'f', {}, name='VAE_y', **critic, reg=0.4)
    found = load.find_runs(str(tmp_path))
    expected = [
        {'depth': 32, 'lr': 0.01}, {'dropout': 0.9}, {}, {},
        {'advweight': 0.5}, {'advweight': 0.5, 'reg': 0.4},
    ]  # fmt: skip
    assert [kinds.settings(run) for run in found] == expected


def test_a_critic_is_as_deep_as_its_own_run_unless_told():
    def texts(advdepth):
        own = {'depth': 32, 'advdepth': advdepth, 'advweight': 0.5, 'reg': 0.2}
        return kinds.settings_texts(results.Run('x', 'ACAI', 'lines32', PARAMS | own))

    assert texts(32) == ('depth=32',) and texts(16) == ('advdepth=16', 'depth=32')


def kind(*settings, name='ACAI', code=results.OURS, size=64):
    return kinds.Kind('lines32', name, settings, size, code)


def test_the_papers_settings_and_our_code_come_first():
    ordered = [
        kind(name='AEBaseline'),
        kind(),
        kind(code=results.ORIGINAL),
        kind('depth=2'),
        kind('a=1', 'depth=2'),
        kind(name='LRAE'),
        kind(name='WAE'),
    ]
    assert sorted(ordered[::-1], key=lambda kind: kind.place) == ordered
    assert ordered[4]._replace(code=results.ORIGINAL).label == 'ACAI, a=1, depth=2, 2018 code'
