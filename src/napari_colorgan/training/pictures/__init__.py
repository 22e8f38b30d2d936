"""Pictures on their way to a step: read, kept decoded, cut into patches, varied, batched."""
