"""Training: from pictures to the weights of a generator.

A run is a `TrainingConfig` (a recipe), a `Plan` of steps and a `RunDirectory`, which holds its
whole state, so that any process can resume it. `Trainer.fit` takes the phases in their order:
`BatchSource` makes the data of a step from the seed and the step's number alone, `Phase` takes the
step, `Validator` measures held-out pictures and `BestModel` keeps the best weights. A resumed run
therefore ends with the same weights as an uninterrupted one, bit for bit.

Only tensors, configs and run directories are known here. What a user asks for (a training, a
fine-tuning, a model file) is put together in ``services``.
"""
