"""Trains a classifier of irises on the data that scikit-learn brings, and keeps it as MLServer reads it.

python make_model.py FILE
"""

import sys

import joblib
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

irises = load_iris()
joblib.dump(LogisticRegression(max_iter=1000).fit(irises.data, irises.target), sys.argv[1])
