"""Training, scoring and explaining a million user-days, beside PyOD and shap."""
