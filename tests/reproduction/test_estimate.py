"""How long the runs of a table are said to take."""
import tensorflow as tf

from cli.reproduction import estimate, run_record
from lib import devices
from tests.stand_ins import jobs_of, trained


def test_hours_come_from_runs_of_the_kind_or_from_a_measurement(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(estimate, '_measured', lambda experiment, choice: 16)
    jobs = jobs_of(tmp_path, methods=['baseline', 'acai'], seeds=2, total_kimg=64)
    trained(jobs[0], 1 + (64 << 10) // 64, seed=1)
    events = tf.summary.create_file_writer(jobs[0].folder.summaries)
    for step, rate in ((1, 0.5), (1025, 32.0)):  # the first step is the compiler's
        with events.as_default(step):
            tf.summary.scalar('time/images_per_sec', rate)
    events.close()
    estimate.print_estimate(jobs)
    lines = capsys.readouterr().out.splitlines()
    images = 64 * 1025
    assert lines[0] == f'# 3 runs to train, {3 * images / 1e6:.3g} million images; 1 complete.'
    assert lines[2:4] == [
        '#   Baseline lines32/64 and alike: 32, as reported by its runs in --train_dir',
        '#   ACAI lines32/64 and alike: 16, measured now',
    ]
    hours = (images / 32 + 2 * images / 16) / 3600
    assert lines[4].startswith(f'# About {hours:.3g} hours on this machine at')
    with monkeypatch.context() as patch:
        told = []
        patch.setattr(tf.config.threading, 'set_intra_op_parallelism_threads', told.append)
        patch.setattr(devices.joblib, 'cpu_count', lambda: 8)
        estimate.print_estimate(jobs, at_a_time=3)  # on two cores each, of which no run tells yet
        assert told == [2]
        assert ': 16, measured now' in capsys.readouterr().out.splitlines()[2]
        jobs[0].files.write(run_record.Record(jobs[0].name, jobs[0].images, cores=2))
        estimate.print_estimate(jobs, at_a_time=7)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(f'# About {hours / 3:.3g} hours on this machine, 3 runs at a time, at')
    estimate.print_estimate(jobs[:1])
    assert capsys.readouterr().out == '# 0 runs to train, 0 million images; 1 complete.\n'
