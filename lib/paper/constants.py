"""What all runs of the paper have in common, and the folders of their seeds."""

LINES32 = 'lines32'  # the paper's lines; those of other widths are other datasets
TOTAL_KIMG = 1 << 14  # 2^24 images
REPORT_KIMG = 64
BATCH, LR = 64, 1e-4
COMPUTED_ON = {'precision': 'float32', 'devices': 1}


def seed_folder(seed):
    """The name of the folder of a seed's runs; for '*' or a regular expression, their pattern."""
    return f'RUN{seed}'
