"""The network: building, training, checkpoints and what can be read from its layers. Only here: Keras, TensorFlow."""
