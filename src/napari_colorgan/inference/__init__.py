"""From planes to colours: display ranges, tiles, the predictor and stacks."""
