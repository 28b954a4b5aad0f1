"""Anomaly models: one declaration a file in `declared/`, and the engine that trains, scores and explains them.

    core          what a model is: declaration, fitted arrays          registry     the declared models by id
    train         rows of days -> Fitted                               score        rows -> risk 0-100
    attribution   rows -> what each feature did to the path            compare      challenger against champion
    artefact      Fitted <-> a folder of arrays and a manifest         drift        how far features moved from training
    calibrate     risk from analysts' verdicts

Beneath: `choose` (which rows may be learned), `matrix` (columns to numbers), `grow` (PyOD's trees to arrays), `walk` (rows through
trees), `tail` (path to share to risk), `opinion` (ECOD, frozen), `shapley` (exact attributions), `parts` (arrays of an artefact).

Tables in, tables out: no clock, no environment, no network, no airflow. Rules come first; a model must earn its place beside them
in an ablation. Columns of the tables: `models.tables`.
"""
