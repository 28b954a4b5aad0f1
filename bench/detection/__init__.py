"""How well the policies detect: the definitions of the project's quality targets, measured over many organisations.

judge     alerts + truth -> true, neutral, policy-true or false; attacks found or missed
metrics   precision, recall, false alerts, time to detect, ranking, calibration; bootstrap over organisations
replay    an organisation straight through conform, enrich, features, policies and fold, without HTTP
run       many seeds, one table:  python -m bench.detection.run --seeds 10
"""
