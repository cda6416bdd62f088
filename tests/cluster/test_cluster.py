"""The examples for clusters: Slurm's with stand-ins for its programs, Kubernetes' against the published schema."""

import json
import os
import re
import subprocess

import pytest
import yaml

from head.catalog import ROOT

from ..conftest import STACK
from ..training_runs import QUICK

SRUN = '''#!/usr/bin/env bash
# two machines, as srun has them: each task knows its number, the highest status counts
[ "$1" = --cpus-per-task=1 ] || exit 64
shift
SLURM_NODEID=0 "$@" & first=$!
SLURM_NODEID=1 "$@" & second=$!
wait $first; one=$?
wait $second; two=$?
exit $((one > two ? one : two))
'''
SCONTROL = '''#!/usr/bin/env bash
if [ "$1" = requeue ]; then echo "$2" >>"$REQUEUED"; else printf 'localhost\\nlocalhost\\n'; fi
'''


APPTAINER = '''#!/usr/bin/env bash
printf '%s\\n' "$@" "$APPTAINERENV_SLURM_JOB_ID" "$APPTAINER_BIND" >"$APPTAINER_CALLS.$SLURM_NODEID"
exit 75
'''


@pytest.fixture
def sbatch(tmp_path):
    """Run the batch script where srun and scontrol are stand-ins; returns the process and what was queued again."""
    for name, content in (('srun', SRUN), ('scontrol', SCONTROL), ('apptainer', APPTAINER)):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o755)

    def run(*words, script='train.sbatch', **environment):
        done = subprocess.run(
            [ROOT / 'docs/cluster' / script, *map(str, words)], capture_output=True, text=True, cwd=tmp_path,
            env=dict(os.environ, PATH=f'{tmp_path}:{os.environ["PATH"]}', SLURM_SUBMIT_DIR=str(ROOT), SLURM_JOB_ID='77',
                     SLURM_JOB_NODELIST='localhost,localhost', SLURM_JOB_NUM_NODES='2', OMP_NUM_THREADS='1',
                     SLURM_CPUS_PER_TASK='1', REQUEUED=str(tmp_path / 'requeued'), **environment))
        requeued = tmp_path / 'requeued'
        return done, requeued.read_text().split() if requeued.exists() else []

    return run


@pytest.mark.slow
def test_slurm(sbatch, drawn, tmp_path):
    """Both machines train one model; a wrong request is not queued again."""
    done, requeued = sbatch('config=retinanet_r18', f'data={drawn}', 'device=cpu', 'pretrained=none', 'iters=2',
                            f'work_dir={tmp_path}/run', f'stack={STACK}', *QUICK[:2])
    assert done.returncode == 0 and not requeued, done.stderr
    verdict = json.loads((tmp_path / 'run/verdict.json').read_text())
    assert verdict['processes'] == 2
    done, requeued = sbatch('config=retinanet_r81', 'device=cpu')
    assert done.returncode == 2 and not requeued


def test_slurm_queues_an_interrupted_job_again(sbatch, tmp_path):
    (tmp_path / 'srun').write_text('#!/usr/bin/env bash\nexit 75\n')
    done, requeued = sbatch('config=retinanet_r18', SLURM_RESTART_COUNT='20')
    assert done.returncode == 75 and not requeued, 'not for ever'
    done, requeued = sbatch('config=retinanet_r18', SLURM_RESTART_COUNT='19')
    assert done.returncode == 75 and requeued == ['77']


def test_slurm_with_apptainer(sbatch, tmp_path):
    """Each machine starts its container, with the folders that were named and the words as they were typed."""
    calls = tmp_path / 'calls'
    done, requeued = sbatch('config=head_r18', 'data.x=[(1, 2)]', script='train-apptainer.sbatch', COCO_DIR='/my/coco',
                            SIF='/my images/head.sif', WORK_DIR='/my/work', APPTAINER_CALLS=str(calls))
    assert done.returncode == 75 and requeued == ['77'], done.stderr
    for node in '01':
        words = (tmp_path / f'calls.{node}').read_text().splitlines()
        place = words.index('/my images/head.sif')
        assert words[0] == 'run' and {'--containall', '--no-home', '--nv'} < set(words[:place])
        assert words[place + 1] == 'train' and words[-3:-1] == [f'node_rank={node}', '77'] and 'nnodes=2' in words
        assert {'config=head_r18', 'data.x=[(1, 2)]'} < set(words[place:])
        assert words[-1] == (f'/my/coco:/head/data/coco:ro,{ROOT}/pretrained:/head/pretrained:ro,'
                             '/my/work:/head/work_dirs')


def test_both_scripts_ask_slurm_for_the_same():
    ask, other = (re.findall('^#SBATCH .*$', (ROOT / 'docs/cluster' / name).read_text(), re.M)
                  for name in ('train.sbatch', 'train-apptainer.sbatch'))
    assert ask and ask == other


def lost(given, kept, place=''):
    """Keys of a manifest that a model did not take in."""
    if isinstance(given, dict):
        for key, value in given.items():
            if not isinstance(kept, dict) or key not in kept:
                yield f'{place}.{key}'
            else:
                yield from lost(value, kept[key], f'{place}.{key}')
    elif isinstance(given, list):
        for number, (value, other) in enumerate(zip(given, kept)):
            yield from lost(value, other, f'{place}[{number}]')


@pytest.mark.skipif(STACK == 'paper', reason='the schema\'s package wants Python 3.9; run on the current stack')
def test_kubernetes():
    from kubeflow_trainer_api.models import TrainerV1alpha1TrainJob
    manifest = yaml.safe_load((ROOT / 'docs/cluster/trainjob.yaml').read_text())
    job = TrainerV1alpha1TrainJob.from_dict(manifest)
    assert list(lost(manifest, job.to_dict())) == []
    wrong = json.loads(json.dumps(manifest))
    wrong['spec']['trainer']['nodes'] = wrong['spec']['trainer'].pop('numNodes')
    assert list(lost(wrong, TrainerV1alpha1TrainJob.from_dict(wrong).to_dict())) == ['.spec.trainer.nodes']
    assert job.spec.trainer.num_nodes == 2
    assert (f'gpus={job.spec.trainer.num_proc_per_node}') in job.spec.trainer.args[0]
    pod = pod_of(wrong)
    pod['securityContext']['fsgroup'] = pod['securityContext'].pop('fsGroup')
    pod['containers'][0]['securityContext']['capabilities']['dropped'] = ['ALL']
    found = {key.split('.')[-1] for key in lost(wrong, TrainerV1alpha1TrainJob.from_dict(wrong).to_dict())}
    assert found == {'nodes', 'fsgroup', 'dropped'}, 'the schema reaches down to the pod'


def pod_of(manifest):
    """What the manifest says of each machine's pod."""
    runtime, = manifest['spec']['runtimePatches']
    job, = runtime['trainingRuntimeSpec']['template']['spec']['replicatedJobs']
    return job['template']['spec']['template']['spec']


def test_kubernetes_admits_it_where_pods_are_restricted():
    """The rules of the Pod Security Standard "restricted", and that every mount has its volume."""
    pod = pod_of(yaml.safe_load((ROOT / 'docs/cluster/trainjob.yaml').read_text()))
    container, = pod['containers']
    user, own = pod['securityContext'], container['securityContext']
    assert user['runAsNonRoot'] is True and user['seccompProfile'] == {'type': 'RuntimeDefault'}
    assert own['allowPrivilegeEscalation'] is False and own['capabilities'] == {'drop': ['ALL']}
    # without the group a claim belongs to root, and nothing could be written
    assert f'USER {user["runAsUser"]}:{user["runAsGroup"]}\n' in (ROOT / 'Dockerfile').read_text()
    assert user['fsGroup'] == user['runAsGroup']
    volumes = {volume['name']: volume for volume in pod['volumes']}
    mounts = {mount['mountPath']: volumes.pop(mount['name']) for mount in container['volumeMounts']}
    assert not volumes
    assert mounts['/dev/shm']['emptyDir']['medium'] == 'Memory'
    assert own['readOnlyRootFilesystem'] is True and 'emptyDir' in mounts['/tmp']
