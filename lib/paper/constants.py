"""What all runs of the paper have in common, and the folders of their seeds."""

LINES32 = 'lines32'  # the paper's lines, which others come at other widths
TOTAL_KIMG = 1 << 14  # 2^24 images
REPORT_KIMG = 64
BATCH, LR = 64, 1e-4
COMPUTED_ON = {'precision': 'float32', 'devices': 1}


def seed_folder(seed):
    """The name of the folder of a seed's runs; '*' or a regular expression gives that of all."""
    return f'RUN{seed}'
