"""The generators and the discriminator: their settings, their modules, what they need."""
