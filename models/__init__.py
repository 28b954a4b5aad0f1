"""Anomaly models: one declaration a file in `declared/`, and the engine that trains, scores and explains them.

    core          what a model is: declaration, fitted arrays          registry     the declared models by id
    train         rows of days -> Fitted                               score        rows -> risk 0-100
    attribution   rows -> what each feature did to the path            budget       the few rows worth an alert
    artefact      Fitted <-> a folder of arrays and a manifest         compare      challenger against champion
    drift         how far today's features moved from training         calibrate    risk from analysts' verdicts

Tables in, tables out: no clock, no environment, no network, no airflow. Rules come first; a model must earn its place beside them
in an ablation. Columns of the tables: `models.tables`.
"""
