"""The paper's tables as data."""
from lib import paper


def test_cells():
    acai = paper.figure(paper.ACCURACY, ('svhn32', 256), 'ACAI')
    assert acai == (85.14, 0.20) and str(acai) == '85.14±0.20'
    assert str(paper.figure(paper.CLUSTERING, ('mnist32', 256), 'AEVQVAE')) == '96.80'
    assert paper.figure(paper.LINES, 'mean_distance', 'VAE') == (1.21, 0.17)
    assert paper.figure(paper.ACCURACY, ('digits32', 32), 'ACAI') is None
    assert paper.figure(paper.ACCURACY, ('mnist32', 32), 'LRAE') is None


def test_every_row_has_every_method():
    for table in (paper.LINES, paper.ACCURACY, paper.CLUSTERING):
        for row in table.values():
            assert list(row) == list(paper.METHODS)
