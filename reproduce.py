"""Trains what a table of the paper needs and prints it: python reproduce.py --table=1 --seeds=5

The same command goes on with what was stopped, and skips what is done.
"""
import os
import sys

from absl import flags

import cli

FLAGS = flags.FLAGS
flags.DEFINE_enum('table', '1', ['1', '2', '3'], 'Table of the paper.')
flags.DEFINE_integer('seeds', 5, 'How many runs of each method, in RUN1, RUN2, ...', 1)
flags.DEFINE_integer('total_kimg', 1 << 14, 'Length of every run, in 1024 images.', 0)
flags.DEFINE_integer('report_kimg', 64, 'Images from report to report, in 1024.', 1)
flags.DEFINE_list('methods', [], 'Only these, such as baseline,acai.')
flags.DEFINE_list('datasets', [], "Only these; also some that the paper has not (fashion32).")
flags.DEFINE_integer('jobs', 1, 'Runs at a time, on each GPU if there is one.', 1)
flags.DEFINE_string('train_dir', './experiments', 'Folder of RUN1, RUN2, ...')
flags.DEFINE_bool('dry_run', False, 'Print the commands that are needed, and stop.')
flags.DEFINE_bool('write_runs', False, 'Write runs/*.sh from lib/paper/experiments.py, and stop.')


def environments():
    """The environment of each process that may run at a time: a GPU each, or a share of the CPU."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices('GPU')
    if gpus:
        visible = os.environ.get('CUDA_VISIBLE_DEVICES') or ','.join(map(str, range(len(gpus))))
        own = [{'CUDA_VISIBLE_DEVICES': name} for name in visible.split(',')] * FLAGS.jobs
    elif FLAGS.jobs == 1:
        own = [{}]
    else:
        threads = max(1, len(os.sched_getaffinity(0)) // FLAGS.jobs)
        own = [{'TF_NUM_INTRAOP_THREADS': str(threads)}] * FLAGS.jobs
    return [{**os.environ, **variables} for variables in own]


def main():
    from acai_tf import load
    from cli import reproduce
    from lib.paper import commands, tables

    if FLAGS.write_runs:
        commands.write(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'runs'))
        return 0
    table, train_dir = int(FLAGS.table), os.path.abspath(FLAGS.train_dir)
    jobs = reproduce.plan(
        table,
        train_dir,
        seeds=FLAGS.seeds,
        total_kimg=FLAGS.total_kimg,
        report_kimg=FLAGS.report_kimg,
        methods=FLAGS.methods,
        datasets=FLAGS.datasets,
    )
    if FLAGS.dry_run:
        for command in filter(None, (job.next_command() for job in jobs)):
            print('python', *command)
        return 0
    not_run, failed, signal = reproduce.run(jobs, train_dir, environments())
    found = load.find_runs(train_dir)
    print(tables.to('text', [tables.build(found, table)], missing='not run'))
    for sentence in dict.fromkeys(not_run.values()):
        count = list(not_run.values()).count(sentence)
        print(f'{count} runs were not run. {sentence}', file=sys.stderr)
    for name, sentence in failed.items():
        print(f'{name} failed: {sentence}', file=sys.stderr)
    if signal:
        print('Stopped; the same command goes on from there.', file=sys.stderr)
        return 128 + signal
    return 1 if failed else 0


if __name__ == '__main__':
    cli.run(main)
