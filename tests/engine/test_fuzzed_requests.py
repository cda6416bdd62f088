"""Random requests over every key of every shipped config: a documented status, one line, nothing written.

Each is planned as `train` and `eval` plan it, up to the trial of the config; nothing is trained.
"""





VALUES = [
    '0', '-1', '1', '3', '255', '1000000000', '9223372036854775808', '-9223372036854775809', '1' + '0' * 400, '0.0',
    '-0.5', '1e-320', '1e300', '1e999', '-1e999', 'nan', 'inf', 'True', 'false', 'None', 'none', '', ' ', 'x',
    "o'clock", '"', "'", '\\', '\\n', 'a\nb', '\x1b[31m', '\u202e', '²', '１', '1_000', '0x10', '[]', '()', '{}',
    '[0]', '[-1]', '[1,2,3]', '["a"]', '[None]', '[[]]', '[{}]', '[{"type":"X"}]', '(0,0)', '(-1,5)', '(1e999,1)',
    '((1,),)', '[(8,8),(9,9)]', '{"type":"X"}', '{"type":None}', '{1:2}', '{None:1}', '{"a":{"b":[1,{"c":()}]}}',
    '{1,2}', 'b"x"', '1j', '...', '[' * 200, '[' * 40 + ']' * 40, 'Pretrained', 'ResNet', 'FPN', 'Adam', 'MSELoss',
    '../../x', '/dev/null', 'a' * 5000]
"""As they are typed; nothing that would be computed for long: what is large is far beyond any machine."""
