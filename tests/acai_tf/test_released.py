"""The weights that lie in the repository."""
import os

import pytest

import acai_tf
from acai_tf import released
from lib import data, eval, runs
from lib.runs import scalars

RELEASED = [
    *('acai', 'baseline', 'baseline-16384', 'vae', 'vae-advweight100', 'vae-4096'),
    *('aae', 'vqvae', 'dropout', 'denoising'),
]


@pytest.mark.parametrize('name', [f'lines32-{end}' for end in RELEASED])
def test_what_the_repository_holds_scores_as_its_curve_says(name):
    model = acai_tf.load_released(name)
    recorded = scalars.read_curve(os.path.join(released.FOLDER, name, runs.CURVE_NAME))
    images = eval.interpolations(model, data.get_dataset('lines32', 64, model.seed))
    for tag, score in eval.line_eval(images)._asdict().items():
        expected = recorded[tag][int(model.global_step)]
        assert score == pytest.approx(expected, rel=0.01)  # by another processor
