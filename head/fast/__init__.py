"""The same numbers for less: forms that are put over a built detector. The one call is `fast_forms.use_fast_forms`."""
