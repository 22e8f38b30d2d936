"""Models as packages of the BioImage Model Zoo, written and read."""
