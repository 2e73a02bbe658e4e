"""Turns a run of ours into files of the 2018 code, or a run folder of the 2018 code into ours.

    python convert.py --run=RUN --out=PREFIX
    python convert.py --run=RUN --release=FOLDER
    python convert.py --original=RUN --out=TRAIN_DIR
"""
import sys

import cli
from cli import flags, paths
from cli.shared_flags import define_schedule_flags
from lib.errors import UserError

FLAGS = flags.FLAGS
paths.define('run', None, 'Run folder of ours, to be written as TensorFlow 1 files.')
paths.define('original', None, "The 2018 code's run folder, to become one of ours.")
paths.define('out', None, "With --run: the files' prefix; with --original: a train_dir.")
paths.define('release', None, 'With --run: folder for its weights, scores and curve alone.')
flags.DEFINE_bool('overwrite', False, 'Replace what exists at --out.')
define_schedule_flags()  # for args.json
NOT_RECORDED = 'lr', 'batch', 'seed', 'total_kimg', 'report_kimg'  # in the original's folders


def main():
    if FLAGS.run:
        for name in NOT_RECORDED:
            if FLAGS[name].present:
                raise UserError(f'--{name} is for --original; a run of ours has recorded it.')
    if FLAGS.run and FLAGS.release and not FLAGS.out and not FLAGS.original:
        from acai_tf import released

        run, step = released.release(FLAGS.run, FLAGS.release, FLAGS.overwrite)
        print(f'Wrote the weights of step {step}, without what training needs, to {run.path}.')
        return 0
    if not FLAGS.out or FLAGS.release or bool(FLAGS.run) == bool(FLAGS.original):
        sys.exit(
            f'{sys.argv[0]}: give --out and either --run or --original, or --run and --release.'
        )
    from cli import convert

    if FLAGS.run:
        prefix, step = convert.to_original(FLAGS.run, FLAGS.out, FLAGS.overwrite)
        print(f'Wrote {prefix}.index and {prefix}.data-00000-of-00001, at step {step}.')
        return 0
    options = {name: FLAGS[name].value for name in NOT_RECORDED}
    run, step = convert.from_original(FLAGS.original, FLAGS.out, options, FLAGS.overwrite)
    print(f'Made {run.path}, at step {step}.')
    recorded = ' '.join(f'--{name}={value}' for name, value in options.items())
    print(f'Its args.json says {recorded}, as given here; the 2018 code did not record them.')
    return 0


if __name__ == '__main__':
    cli.run(main)
