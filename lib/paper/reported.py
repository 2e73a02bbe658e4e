"""The paper's numbers, for comparison: tables 1, 2 and 3 of "Understanding and Improving
Interpolation in Autoencoders via an Adversarial Regularizer" (ICLR 2019).

They are as two readers remember them: no copy of the paper could be opened when they were written
down. Print them only with `SOURCE`. They are means and standard deviations of 5 seeds at 2^24
images, learning rate 1e-4, batch 64; a run's number is the median of its last 20 evaluations.
"""
from typing import NamedTuple

SOURCE = 'paper, to be checked'


class Quantity(NamedTuple):
    """The quantity that a row of a table shows.

    name: in words.
    unit: the unit of the numbers here and in all tables of ours; a measured value is divided by it.
    unit_text: the unit as labels show it.
    """

    name: str
    unit: float = 1
    unit_text: str = ''

    @property
    def label(self):
        """Name and unit: 'mean distance x1e-3'."""
        return f'{self.name} {self.unit_text}'.rstrip()

    def in_units(self, value):
        """A measured value as the tables show it."""
        return value / self.unit


QUANTITIES = {
    'mean_distance': Quantity('mean distance', 1e-3, 'x1e-3'),
    'mean_smoothness': Quantity('mean smoothness'),
    'latent_accuracy': Quantity('accuracy', unit_text='%'),
    'clustering': Quantity('clustering accuracy', unit_text='%'),
    'single_layer': Quantity('accuracy of a layer trained afterwards', unit_text='%'),
    'sample_distance': Quantity("samples' mean distance", 1e-3, 'x1e-3'),
    'sample_coverage': Quantity('share of angles covered by samples', 1e-2, '%'),
    'sample_kl': Quantity("KL divergence of samples' angles from uniform", unit_text='nats'),
}


def quantity(name):
    """The `Quantity` of a tag; a plain one with the tag as its name if it is not in QUANTITIES."""
    return QUANTITIES.get(name, Quantity(name))


def method(class_name):
    """What the paper calls the method of a class; the class's name where it is not the paper's."""
    return COLUMNS.get(class_name, class_name)


def place(class_name):
    """A sort key of methods: the paper's in its order, then others by name."""
    order = list(COLUMNS)
    return order.index(class_name) if class_name in order else len(order), class_name


class PaperValue(NamedTuple):
    """A cell of one of the paper's tables, in its quantity's unit; `sd` is None if not given."""

    mean: float
    sd: float | None = None

    def __str__(self):
        return mean_and_sd(self.mean, self.sd)


def mean_and_sd(mean, sd):
    """'0.24±0.01', or '0.24' where sd is None."""
    return f'{mean:.2f}' if sd is None else f'{mean:.2f}±{sd:.2f}'


# The columns of the tables: class names and the paper's names of the methods.
COLUMNS = {
    'AEBaseline': 'Baseline',
    'AEDropout': 'Dropout',
    'AEDenoising': 'Denoising',
    'VAE': 'VAE',
    'AAE': 'AAE',
    'AEVQVAE': 'VQ-VAE',
    'ACAI': 'ACAI',
}


def _row(*cells):
    values = (PaperValue(*c) if isinstance(c, tuple) else PaperValue(c) for c in cells)
    return dict(zip(COLUMNS, values, strict=True))


# Table 1, lines32: {quantity: row}.
TABLE_1 = {
    'mean_distance': _row(
        (6.88, 0.21), (2.85, 0.54), (4.21, 0.32), (1.21, 0.17), (3.26, 0.19), (5.41, 0.49),
        (0.24, 0.01),
    ),
    'mean_smoothness': _row(
        (0.44, 0.04), (0.74, 0.02), (0.66, 0.02), (0.49, 0.13), (0.14, 0.02), (0.77, 0.02),
        (0.10, 0.01),
    ),
}

# Table 2, test accuracy in % of the running latent classifier: {(dataset, latent size): row}.
TABLE_2 = {
    ('mnist32', 32): _row(
        (94.90, 0.14), (96.45, 0.42), (96.00, 0.27), (96.56, 0.31), (70.74, 3.27), (97.50, 0.18),
        (98.25, 0.11),
    ),
    ('mnist32', 256): _row(
        (93.94, 0.13), (94.50, 0.29), (98.51, 0.04), (98.74, 0.14), (90.03, 0.54), (97.25, 1.42),
        (99.00, 0.08),
    ),
    ('svhn32', 32): _row(
        (26.21, 0.42), (26.09, 1.48), (25.15, 0.78), (29.58, 3.22), (23.43, 0.79), (24.53, 1.33),
        (34.47, 1.14),
    ),
    ('svhn32', 256): _row(
        (22.74, 0.05), (25.12, 1.05), (77.89, 0.35), (66.30, 1.06), (22.81, 0.24), (44.94, 20.42),
        (85.14, 0.20),
    ),
    # On CIFAR-10 the paper's dropout kept 0.75 of the latents, not 0.5.
    ('cifar10', 256): _row(
        (47.92, 0.20), (40.99, 0.41), (53.78, 0.36), (47.49, 0.22), (40.65, 1.45), (42.80, 0.44),
        (52.77, 0.45),
    ),
    ('cifar10', 1024): _row(
        (51.62, 0.25), (49.38, 0.77), (60.65, 0.14), (51.39, 0.46), (42.86, 0.88), (16.22, 12.44),
        (63.99, 0.47),
    ),
}

# Table 3, test accuracy in % of k-means on whitened latents, 1000 inits: {(dataset, size): row}.
TABLE_3 = {
    ('mnist32', 32): _row(77.56, 82.67, 82.59, 75.74, 79.19, 82.39, 94.38),
    ('mnist32', 256): _row(53.70, 61.35, 70.89, 83.44, 81.00, 96.80, 96.17),
    ('svhn32', 32): _row(19.38, 21.42, 17.91, 16.83, 17.35, 15.19, 20.86),
    ('svhn32', 256): _row(15.62, 15.19, 31.49, 11.36, 13.59, 18.84, 24.98),
}


def paper_value(table, row, class_name):
    """The `PaperValue` of a cell, or None where the paper has none.

    Args:
        table: TABLE_1, TABLE_2 or TABLE_3.
        row: the row's key in it.
        class_name: the method's class.
    """
    return table.get(row, {}).get(class_name)
