"""Several machines that train one run, as Slurm gives them to a task."""
import json
import os

PORTS = range(20000, 30000)  # below the ephemeral ports, which Linux gives to clients
PORTS_PER_STEP, STEP_APART = 10, 331  # keep the ports of a job's steps far from the next jobs'
BINDS_GPUS = 'SLURM_GPUS_PER_TASK', 'SLURM_TRES_PER_TASK', 'SLURM_GPU_BIND'


def tf_config(environment):
    """The contents for TF_CONFIG; None if it is set, or Slurm runs no step of several tasks here.

    Args:
        environment: the variables of a process that srun started.
    """
    count = int(environment.get('SLURM_STEP_NUM_TASKS', 1))
    if count == 1 or 'TF_CONFIG' in environment:
        return None
    import tensorflow as tf

    # Two steps, of the same job or of two jobs, may share a machine, so each gets its own ports.
    step = int(environment['SLURM_JOB_ID']) + STEP_APART * int(environment.get('SLURM_STEP_ID', 0))
    resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(
        port_base=PORTS[step * PORTS_PER_STEP % len(PORTS)],
        # `own_gpus` assigns the GPUs; without these arguments, TensorFlow would ask nvidia-smi.
        gpus_per_node=count,
        gpus_per_task=1,
        auto_set_gpu=False,
    )
    workers = resolver.cluster_spec().as_dict()['worker']
    # The resolver sorts the machines by name, n10 before n2; Slurm ranks their tasks in an order of
    # its own. Rank 0 keeps the run's record, so it must be worker 0, which reports and saves.
    ranked = list(resolver._task_configuration)
    workers.sort(key=lambda worker: ranked.index(worker.rpartition(':')[0]))
    host = environment['SLURMD_NODENAME']
    own = [index for index, worker in enumerate(workers) if worker.rpartition(':')[0] == host]
    task = {'type': 'worker', 'index': own[int(environment['SLURM_LOCALID'])]}
    return {'cluster': {'worker': workers}, 'task': task}


def own_gpus(environment, config):
    """CUDA_VISIBLE_DEVICES for one of several processes on a node, if Slurm shows each all GPUs.

    Args:
        environment: the variables of a process that srun started.
        config: its `tf_config`.

    Returns:
        The value; None where each process sees only its own GPUs already, where it is alone, and
        where there are fewer GPUs than processes.
    """
    workers = config['cluster']['worker']
    here = sum(worker.rpartition(':')[0] == environment['SLURMD_NODENAME'] for worker in workers)
    gpus = environment.get('CUDA_VISIBLE_DEVICES', '').split(',')
    each = len(gpus) // here
    is_all = int(environment.get('SLURM_GPUS_ON_NODE', len(gpus))) == len(gpus)
    # 'none' or 'verbose,none' tells Slurm not to bind GPUs, whatever its other options say.
    is_told_not_to = environment.get('SLURM_GPU_BIND', '').rpartition(',')[2] == 'none'
    is_bound = not is_told_not_to and any(name in environment for name in BINDS_GPUS)
    if here == 1 or not each or not is_all or is_bound:
        return None
    first = each * int(environment['SLURM_LOCALID'])
    return ','.join(gpus[first : first + each])


def join():
    """Makes this process train with the others of its Slurm step, if that has several tasks."""
    if config := tf_config(os.environ):
        os.environ['TF_CONFIG'] = json.dumps(config)
        if gpus := own_gpus(os.environ, config):
            os.environ['CUDA_VISIBLE_DEVICES'] = gpus
