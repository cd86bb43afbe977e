"""A verifier and signer of Countersign, written from the text of spec/ alone."""

