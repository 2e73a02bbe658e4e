"""Several machines that train one run, as Slurm gives them to a task."""
import json
import os

PORTS = range(20000, 30000)  # below those that Linux gives to clients
PORTS_PER_STEP, STEP_APART = 10, 331  # a job's steps lie far from those of the next jobs
BINDS_GPUS = 'SLURM_GPUS_PER_TASK', 'SLURM_TRES_PER_TASK', 'SLURM_GPU_BIND'


def tf_config(environment):
    """What TF_CONFIG is to say, or None where Slurm runs no step of several tasks here.

    Args:
        environment: the variables of a process that srun started.
    """
    count = int(environment.get('SLURM_STEP_NUM_TASKS', 1))
    if count == 1 or 'TF_CONFIG' in environment:
        return None
    import tensorflow as tf

    # Two steps, of one job or of two, may share a machine: each takes ports of its own.
    step = int(environment['SLURM_JOB_ID']) + STEP_APART * int(environment.get('SLURM_STEP_ID', 0))
    resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(
        port_base=PORTS[step * PORTS_PER_STEP % len(PORTS)],
        # `own_gpus` shows each its GPUs; without these, it would ask nvidia-smi for them.
        gpus_per_node=count,
        gpus_per_task=1,
        auto_set_gpu=False,
    )
    workers = resolver.cluster_spec().as_dict()['worker']
    # The resolver sorts the machines by name, n10 before n2, unlike Slurm their tasks' ranks, of
    # which the first keeps the run's record, and so must be the one that reports and saves.
    ranked = list(resolver._task_configuration)
    workers.sort(key=lambda worker: ranked.index(worker.rpartition(':')[0]))
    host = environment['SLURMD_NODENAME']
    own = [index for index, worker in enumerate(workers) if worker.rpartition(':')[0] == host]
    task = {'type': 'worker', 'index': own[int(environment['SLURM_LOCALID'])]}
    return {'cluster': {'worker': workers}, 'task': task}


def own_gpus(environment, config):
    """CUDA_VISIBLE_DEVICES of a process, where Slurm shows several on one node all GPUs of it.

    Args:
        environment: the variables of a process that srun started.
        config: its `tf_config`.

    Returns:
        The value; None where each sees its own already.
    """
    workers = config['cluster']['worker']
    here = sum(worker.rpartition(':')[0] == environment['SLURMD_NODENAME'] for worker in workers)
    gpus = environment.get('CUDA_VISIBLE_DEVICES', '').split(',')
    each = len(gpus) // here
    is_all = int(environment.get('SLURM_GPUS_ON_NODE', len(gpus))) == len(gpus)
    # 'none', or 'verbose,none', is that Slurm is not to, whatever else it is told.
    is_told_not_to = environment.get('SLURM_GPU_BIND', '').rpartition(',')[2] == 'none'
    is_bound = not is_told_not_to and any(name in environment for name in BINDS_GPUS)
    if here == 1 or not each or not is_all or is_bound:
        return None
    first = each * int(environment['SLURM_LOCALID'])
    return ','.join(gpus[first : first + each])


def join():
    """Makes this process one of the machines of its Slurm task, if there are several."""
    if config := tf_config(os.environ):
        os.environ['TF_CONFIG'] = json.dumps(config)
        if gpus := own_gpus(os.environ, config):
            os.environ['CUDA_VISIBLE_DEVICES'] = gpus
