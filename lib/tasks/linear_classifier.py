"""The classifier tasks: a single layer trained on images or on stored latents (section 4).

Minimises the cross-entropy of one dense layer against (smoothed) labels with Adam, whose rate
falls from lr to lr / 100 over the run.
"""
import functools
import types

import keras
import tensorflow as tf
from keras import ops

from lib import callbacks, classifiers, eval
from lib.optimizer import Adam
from lib.tracking import add_scalar

TRAIN_ACCURACY_BATCHES = 200  # Original
DECAY = 0.1  # of the learning rate, from the start to halfway and again to the end


def learning_rate(lr, steps):
    """The schedule lr * DECAY^(step / halfway), halfway = steps // 2, falling at every step.

    `step` counts the updates made so far, so that the first update is made at `lr` itself.
    """
    return keras.optimizers.schedules.ExponentialDecay(lr, max(1, steps // 2), DECAY)


class LinearClassifier(keras.Model):
    """A single-layer classifier with its optimizer, as `lib.train` trains it.

    Args:
        feature_shape: shape of one image or latent, e.g. (32, 32, 1).
        nclass: number of classes.
        lr: Adam's learning rate at the start.
        steps: train steps of the whole run, over which the learning rate falls.
        smoothing: share of each label that is spread over all classes; the sign does not matter.
        seed: seeds the kernel.
    """

    tags = ['xe']
    FIXED_LENGTH = True  # the learning rate's fall depends on it

    def __init__(self, feature_shape, nclass, lr, steps, smoothing=0.0, seed=0):
        super().__init__()
        self.smoothing, self.seed = smoothing, seed
        self.classifier = classifiers.SingleLayerClassifier(nclass, seed)
        self.global_step = add_scalar(self, 'global_step', 'int64')
        self(ops.zeros((1, *feature_shape)))
        optimizer = Adam(learning_rate(lr, steps))
        optimizer.build(self.classifier.trainable_variables)
        self.groups = {'classifier': [self.classifier]}
        self.optimizers = {'classifier': optimizer}

    def group_variables(self, group):
        """The trainable variables of a parameter group; there is one, 'classifier'."""
        return [variable for layer in self.groups[group] for variable in layer.trainable_variables]

    @functools.cached_property
    def graphs(self):
        """`classify` as a graph, for evaluation."""
        classify = tf.function(self.classify, autograph=False, reduce_retracing=True)
        return types.SimpleNamespace(classify=classify)

    def call(self, x):
        """Images or latents (B, ...) to logits (B, nclass)."""
        return self.classifier(x)

    def classify(self, x):
        """The most likely class of each image or latent, (B,) int32."""
        return ops.argmax(self(x), axis=-1)

    @tf.autograph.experimental.do_not_convert
    def train_step(self, data):
        """One update from {'x': (B, ...), 'label': (B, nclass)}.

        Returns:
            {'xe': the cross-entropy against the smoothed labels, mean over the batch}, from before
            the update.
        """
        # Keras sums the replicas' gradients: with each replica's mean loss divided by their number,
        # the sum is the gradient of the mean over the whole batch.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        variables = self.group_variables('classifier')
        with tf.GradientTape() as tape:
            logits = self(data['x'])
            xe = classifiers.classification_loss(logits, data['label'], self.smoothing)
            loss = xe / replicas
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        self.optimizers['classifier'].apply(gradients, variables)
        self.global_step.assign_add(1)
        return {'xe': xe}


class Accuracies(callbacks.Scores):
    """Scores the classifier on the whole test set and on the next 200 training batches."""

    def on_epoch_end(self, epoch, logs=None):
        training = self.dataset.train_from(self.step).take(TRAIN_ACCURACY_BATCHES)
        scores = {
            'test_accuracy': eval.latent_accuracy(self.model, self.dataset.test),
            'train_accuracy': eval.latent_accuracy(self.model, training),
        }
        callbacks.write_scalars(self.events, self.step, scores)
        self.say('  '.join(f'{tag}={value:.2f}' for tag, value in scores.items()))


def reports(dataset, run, events, progress):
    """The callbacks that report on a classifier; see `callbacks.autoencoder_reports`."""
    return [
        progress,
        callbacks.BatchScalars(events, progress),
        Accuracies(dataset, events, progress.print),
        callbacks.Checkpoints(run, events),
    ]
