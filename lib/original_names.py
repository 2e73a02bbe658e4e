"""The variables that a model's checkpoint holds, under the original's names."""
import re

from lib.optimizer import without_loss_scale

# Original: the results of an evaluation are kept in variables of these names. So TensorFlow 1 adds
# a suffix to their tags in event files.
EVALUATIONS = ('mean_distance', 'mean_smoothness', 'latent_accuracy')
TAGS = {name: f'{name}_1' for name in EVALUATIONS}


def variable_names(model):
    """{name in the original's checkpoints: Keras variable} for all of a model's own variables.

    A name is the path of layer names. Layers of one kind in one scope are numbered in creation
    order, the first without a number, as in TensorFlow 1; Keras numbers them across the process.
    """
    names, numbers, taken = {}, {}, {}
    for variable in model.variables:
        *scopes, leaf = variable.path.split('/')
        if scopes and scopes[0] == model.name:
            scopes = scopes[1:]
        name = ''
        for scope in scopes:
            kind = re.sub(r'_\d+$', '', scope)
            if (name, scope) not in numbers:
                numbers[name, scope] = taken[name, kind] = taken.get((name, kind), -1) + 1
            number = numbers[name, scope]
            name += f'{kind}_{number}/' if number else f'{kind}/'
        name += leaf
        while name in names:  # layers with equal names, in a user's networks
            name += '_'
        names[name] = variable
    return names


def stored_variables(model):
    """[(name, Keras variable)] for everything that the original's checkpoint of the model holds.

    A name can stand for several variables: where the original had one Adam for all groups, its
    powers of beta are those of each of our optimizers.

    Raises:
        UserError: the model has a user's networks and does not know its shapes yet.
    """
    if not model.optimizers:
        model.need_shapes()
    stored = list(variable_names(model).items())
    names = {id(variable): name for name, variable in stored}
    for number, optimizer in enumerate(model.optimizers.values()):
        own = without_loss_scale(optimizer)
        for variable, slots in zip(own.trained, own.slots(), strict=True):
            name = names[id(variable)]
            stored += zip((f'{name}/Adam', f'{name}/Adam_1'), slots, strict=True)
        suffix = f'_{number}' if number and not model.ORIGINAL_SHARES_ADAM else ''
        powers = (f'beta1_power{suffix}', f'beta2_power{suffix}')
        stored += zip(powers, own.beta_powers, strict=True)
    return stored


def loss_scale_variables(model):
    """[(name, Keras variable)] of those that float16 training adds to the original's; else [].

    A group whose gradients overflow skips its update, so that each group has its own powers of
    beta. TensorFlow 1's Saver ignores these names.
    """
    stored = []
    for group, optimizer in model.optimizers.items():
        own = without_loss_scale(optimizer)
        if own is not optimizer:
            variables = {
                'dynamic_scale': optimizer.dynamic_scale,
                'step_counter': optimizer.step_counter,
                'iterations': own.iterations,
                'beta1_power': own.beta_powers[0],
                'beta2_power': own.beta_powers[1],
            }
            stored += [(f'loss_scale/{group}/{name}', v) for name, v in variables.items()]
    return stored
