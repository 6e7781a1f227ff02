"""The gateway to Appmax: plain typed Python that knows neither Django nor our tables."""
