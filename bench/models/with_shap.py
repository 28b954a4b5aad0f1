"""In an environment with shap and PyOD: the tree explainer on the rows and forest of `run.py`. Writes values; prints CPU seconds.

python bench/models/with_shap.py ROWS FEATURES TREES FITTED_ON OUT.npz
"""

from __future__ import annotations

import sys
import time

import numpy as np
import shap
from made import SEED, values
from pyod.models.iforest import IForest

rows, features, trees, fitted_on = (int(word) for word in sys.argv[1:5])
made = values(fitted_on, features).astype(np.float32)
forest = IForest(n_estimators=trees, max_samples=256, random_state=SEED).fit(made).detector_
few = made[:rows]
shap.TreeExplainer(forest).shap_values(few[:10])
cpu = time.process_time()
explainer = shap.TreeExplainer(forest)
found = explainer.shap_values(few)
cpu = time.process_time() - cpu
np.savez(sys.argv[5], values=found, expected=np.float64(explainer.expected_value[0]))
print(cpu, shap.__version__)
