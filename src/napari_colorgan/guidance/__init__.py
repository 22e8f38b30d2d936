"""What guides a prediction: colours that are known at places of a plane, as arrays and tensors."""
