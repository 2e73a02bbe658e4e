"""Converts a run of ours to files of the 2018 code, or a run folder of the 2018 code to ours; or
copies from runs only what others need.

    python convert.py --run=RUN --out=PREFIX
    python convert.py --run=RUN --release=FOLDER
    python convert.py --original=RUN --out=TRAIN_DIR
    python convert.py --records=TRAIN_DIR --out=FOLDER
"""

import cli
from cli import flags, paths
from cli.shared_flags import SCHEDULE, define_schedule_flags
from lib.errors import UserError

FLAGS = flags.FLAGS
paths.define('run', None, 'Run folder of ours, to be written as TensorFlow 1 files.')
paths.define('original', None, "The 2018 code's run folder, to become one of ours.")
paths.define('records', None, 'Folder of runs, of which to keep what they reported alone.')
paths.define('out', None, "With --run: the files' prefix; with the others: a folder of runs.")
paths.define('release', None, 'With --run: folder for its weights, scores and curve alone.')
flags.DEFINE_bool('overwrite', False, 'Replace what exists at --out or --release.')
define_schedule_flags()  # for options that the original's folders do not record
SOURCES = 'run', 'original', 'records'


def main():
    given = [name for name in SOURCES if FLAGS[name].value]
    wanted = ['run'] if FLAGS.release else given[:1]
    if not given or given != wanted or bool(FLAGS.out) == bool(FLAGS.release):
        raise UserError(
            'Give --out and either --run or --original or --records, or --run and --release.'
        )
    for name in SCHEDULE:
        if FLAGS[name].present and not FLAGS.original:
            raise UserError(f'--{name} is for --original; a run of ours has recorded it.')
    if FLAGS.release:
        from cli import release

        run, step = release.write(FLAGS.run, FLAGS.release, FLAGS.overwrite)
        print(f'Wrote the weights of step {step}, without what training needs, to {run.path}.')
    elif FLAGS.records:
        from cli import records

        count = records.keep(FLAGS.records, FLAGS.out, FLAGS.overwrite)
        print(f'Wrote what {count} run{"s" * (count != 1)} reported to {FLAGS.out}.')
    elif FLAGS.run:
        from cli import convert

        prefix, step = convert.to_original(FLAGS.run, FLAGS.out, FLAGS.overwrite)
        print(f'Wrote {prefix}.index and {prefix}.data-00000-of-00001, at step {step}.')
    else:
        from cli import convert

        options = {name: FLAGS[name].value for name in SCHEDULE}
        run, step = convert.from_original(FLAGS.original, FLAGS.out, options, FLAGS.overwrite)
        print(f'Made {run.path}, at step {step}.')
        recorded = ' '.join(f'--{name}={value}' for name, value in options.items())
        print(
            f'Its args.json says {recorded}, as given here or by default; the 2018 code did not '
            'record them.'
        )
    return 0


if __name__ == '__main__':
    cli.run(main)
