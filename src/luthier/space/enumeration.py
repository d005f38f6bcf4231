from luthier.space.layout import Layout


def enumerate_configs(layout, constraints):
    raise NotImplementedError
