"""What a window of stills says for or against an attack, as log-likelihood ratios. No SQL, no pictures, no Dagster."""
