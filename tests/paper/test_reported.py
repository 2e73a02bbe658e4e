"""The paper's tables as data."""
from lib.paper import reported


def test_cells():
    acai = reported.paper_value(reported.TABLE_2, ('svhn32', 256), 'ACAI')
    assert acai == (85.14, 0.20) and str(acai) == '85.14±0.20'
    assert str(reported.paper_value(reported.TABLE_3, ('mnist32', 256), 'AEVQVAE')) == '96.80'
    assert reported.paper_value(reported.TABLE_1, 'mean_distance', 'VAE') == (1.21, 0.17)
    assert reported.paper_value(reported.TABLE_2, ('digits32', 32), 'ACAI') is None
    assert reported.paper_value(reported.TABLE_2, ('mnist32', 32), 'LRAE') is None


def test_every_row_has_every_method():
    for table in (reported.TABLE_1, reported.TABLE_2, reported.TABLE_3):
        for row in table.values():
            assert list(row) == list(reported.COLUMNS)
