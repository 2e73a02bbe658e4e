"""Trains the runs of a table of the paper and prints it: python reproduce.py --table=1 --seeds=5

The same command resumes runs that were stopped, and skips those that are done. On a Slurm cluster:

    python reproduce.py --table=1 --executor=slurm --slurm partition=gpu,gpus_per_node=1
    python reproduce.py --status --train_dir=TRAIN
"""
import os
import sys

import cli
from cli import flags, paths
from cli.shared_flags import PRECISIONS, define_length_flags
from lib.errors import UserError

FLAGS = flags.FLAGS
flags.DEFINE_enum(
    'table', '1', ['1', '2', '3', 'samples'], 'Table of the paper, or samples (docs/BEYOND.md).'
)
flags.DEFINE_integer('seeds', 5, 'How many runs of each method, in RUN1, RUN2, ...', 1)
define_length_flags('every run')
flags.DEFINE_enum(
    'precision',
    '',
    ['', *PRECISIONS],
    "Number format; default: the paper's float32, or what the run was started with; auto is faster "
    'on GPUs.',
)
flags.DEFINE_list('methods', [], 'Only these, such as baseline,acai, or one of your own.')
flags.DEFINE_list(
    'datasets', [], 'Only these; may include datasets that are not in the paper (fashion32).'
)
flags.DEFINE_integer('jobs', 1, 'Runs at a time, on each GPU if there is one.', 1)
paths.define('train_dir', './experiments', 'Folder of RUN1, RUN2, ...')
flags.DEFINE_enum('executor', 'local', ['local', 'slurm'], 'Run here, or submit to Slurm.')
flags.DEFINE_list('slurm', [], 'Options of sbatch, such as partition=gpu,time=24:00:00.')
flags.DEFINE_bool('status', False, 'Print how far the runs in --train_dir are, and stop.')
flags.DEFINE_bool('watch', False, 'Print --status again and again, until no run waits or runs.')
flags.DEFINE_bool('cancel', False, 'End the runs in --train_dir, each with a checkpoint, and stop.')
flags.DEFINE_bool('dry_run', False, 'Print the commands that are needed and the hours, and stop.')
flags.DEFINE_bool('write_runs', False, 'Write runs/*.sh from lib/paper/experiments.py, and stop.')
MODES = 'status', 'watch', 'cancel', 'dry_run', 'write_runs'
flags.mark_bool_flags_as_mutual_exclusive(MODES)


def only_reads_files():
    """Whether --status, --watch or --cancel is given, which need no TensorFlow."""
    return FLAGS.status or FLAGS.watch or FLAGS.cancel


def check_alone(mode, *fitting):
    """Raises UserError for a given flag, other than `fitting`, that has no effect with --`mode`."""
    for flag in FLAGS.get_key_flags_for_module(sys.argv[0]):
        if flag.present and flag.name not in (mode, *fitting):
            of_all = ', which is of all runs in --train_dir' if fitting else ''
            raise UserError(f'--{flag.name} has no effect with --{mode}{of_all}; leave it out.')


def main():
    for mode in ('status', 'watch', 'cancel'):
        if FLAGS[mode].value:
            check_alone(mode, 'train_dir')
    train_dir = os.path.abspath(FLAGS.train_dir)
    if only_reads_files():
        from cli.reproduction import status

        return status.cancel(train_dir) if FLAGS.cancel else status.show(train_dir, FLAGS.watch)
    from cli.reproduction import local_executor, planning
    from lib.paper import commands

    if FLAGS.write_runs:
        check_alone('write_runs')
        commands.write(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'runs'))
        return 0
    if os.path.isfile(train_dir):
        raise UserError(f'--train_dir={train_dir} is a file; give a folder.')
    table = int(FLAGS.table) if FLAGS.table.isdigit() else FLAGS.table
    jobs = planning.plan(
        table,
        train_dir,
        seeds=FLAGS.seeds,
        total_kimg=FLAGS.total_kimg,
        report_kimg=FLAGS.report_kimg,
        methods=FLAGS.methods,
        datasets=FLAGS.datasets,
        precision=FLAGS.precision,
    )
    if FLAGS.slurm and FLAGS.executor != 'slurm':
        raise UserError('--slurm is for --executor=slurm; give both, or neither.')
    if FLAGS.executor == 'slurm' and FLAGS['jobs'].present:
        raise UserError(
            '--jobs is for runs here; on a cluster each run is a job of its own, so leave it out.'
        )
    if FLAGS.dry_run and FLAGS.executor == 'slurm':
        raise UserError(
            '--dry_run measures this machine; leave out --executor and --slurm to see the commands '
            'and how long they take here.'
        )
    if FLAGS.dry_run:
        from cli.reproduction import estimate

        return estimate.dry_run(jobs, FLAGS.jobs)
    if FLAGS.executor == 'slurm':
        from cli.reproduction import slurm_executor

        return slurm_executor.submit_table(jobs, table, train_dir, FLAGS.slurm)
    return local_executor.run_table(jobs, table, train_dir, FLAGS.jobs)


if __name__ == '__main__':
    cli.run(main, wants_tensorflow=lambda: not only_reads_files())
