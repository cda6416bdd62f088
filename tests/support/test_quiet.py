"""What libraries log while it is to be quiet."""

import logging

import pytest

from head.support.quiet import quietly


def test_an_error_that_is_logged_and_not_raised_comes_at_the_end(caplog):
    logger = logging.getLogger('library')
    with quietly():
        logger.warning('swallowed')
        with quietly():
            logger.error('told')
        assert caplog.messages == []
    assert caplog.messages == ['told']


def test_an_error_that_is_raised_is_not_told_by_its_log_too(caplog):
    with pytest.raises(ValueError), quietly():
        logging.getLogger('library').error('told twice')
        raise ValueError
    logging.getLogger('library').error('after it')
    assert caplog.messages == ['after it']
