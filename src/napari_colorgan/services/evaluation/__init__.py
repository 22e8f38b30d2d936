"""How good a model is: colour images, their gray versions, scores, baselines and reports.

`truth` reads a colour image and makes the gray one of the same L*. A model as users get it
(`colorizer`) colorizes that. `scores` compares the two, `measure` collects the scores of a set
beside those of the `baselines`, and `statistics` averages them with intervals. `report` makes text
and HTML of the `results`. The entry point is `services.evaluate.evaluate_job`.
"""
