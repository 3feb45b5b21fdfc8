// The files for containers say the same as the unit, and fit together. test/system/container.test.ts runs them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { optionByKey } from '../../src/config/schema.ts';

const read = (path: string) => readFileSync(new URL(`../../systemd/${path}`, import.meta.url), 'utf8');
const UNIT = read('halfpipe.service');
const CONTAINERFILE = read('container/Containerfile');
const QUADLET = read('container/halfpipe.container');
const COMPOSE = parse(read('container/compose.yaml')).services.halfpipe;
const KUBERNETES = parseAllDocuments(read('container/kubernetes.yaml')).map((document) => document.toJS());
const DAEMON_SET = KUBERNETES.find(({ kind }) => kind === 'DaemonSet').spec;
const POD = DAEMON_SET.template.spec;
const [CONTAINER] = POD.containers;

function valueIn(text: string, name: string): string {
  const [, value] = new RegExp(`(?<![\\w-])${name}=(\\S+)`).exec(text) ?? [];
  return value ?? assert.fail(`no ${name}= there`);
}

test('the image has the variables of the unit that are about the program', () => {
  for (const name of ['UV_THREADPOOL_SIZE', 'MALLOC_ARENA_MAX', 'NODE_USE_SYSTEM_CA'])
    assert.equal(valueIn(CONTAINERFILE, name), valueIn(UNIT, name), name);
  assert.ok(CONTAINERFILE.includes(`"umask ${valueIn(UNIT, 'UMask')} && exec halfpipe`));
});

test('all run on the network of the host as the same user, which is not root, and read-only', () => {
  assert.match(CONTAINERFILE, /^USER 10001:10001$/m);
  assert.match(
    QUADLET,
    /^Network=host$[\s\S]*^User=10001\nGroup=10001\nReadOnly=true\nNoNewPrivileges=true$/m,
  );
  assert.deepEqual(
    [COMPOSE.network_mode, COMPOSE.user, COMPOSE.read_only, COMPOSE.security_opt],
    ['host', '10001:10001', true, ['no-new-privileges:true']],
  );
  assert.deepEqual([POD.hostNetwork, POD.dnsPolicy], [true, 'ClusterFirstWithHostNet']);
  const { runAsNonRoot, runAsUser, runAsGroup } = POD.securityContext;
  assert.deepEqual([runAsNonRoot, runAsUser, runAsGroup], [true, 10001, 10001]);
  const { allowPrivilegeEscalation, readOnlyRootFilesystem, capabilities } = CONTAINER.securityContext;
  assert.deepEqual([allowPrivilegeEscalation, readOnlyRootFilesystem], [false, true]);
  assert.deepEqual(capabilities, { drop: ['ALL'] });
});

test('all drop every capability but the one of the unit', () => {
  assert.equal(valueIn(UNIT, 'CapabilityBoundingSet'), 'CAP_LEASE');
  assert.match(QUADLET, /^DropCapability=all\nAddCapability=LEASE$/m);
  assert.deepEqual([COMPOSE.cap_drop, COMPOSE.cap_add], [['ALL'], ['LEASE']]);
});

test('all may use the memory of the unit, and have more time to stop than uploads get to end', () => {
  const memoryMiB = Number.parseInt(valueIn(UNIT, 'MemoryMax'), 10);
  assert.equal(COMPOSE.mem_limit, `${memoryMiB}m`);
  assert.equal(CONTAINER.resources.limits.memory, `${memoryMiB}Mi`);
  assert.ok(Number.parseInt(valueIn(QUADLET, 'MemoryMax'), 10) >= memoryMiB);
  const stopSeconds = Number.parseInt(String(optionByKey.get('upload.stopTimeout')?.default), 10);
  assert.ok(stopSeconds > 0);
  for (const seconds of [
    valueIn(QUADLET, '--stop-timeout'),
    COMPOSE.stop_grace_period,
    POD.terminationGracePeriodSeconds,
  ])
    assert.ok(Number.parseInt(seconds, 10) > stopSeconds, `${seconds}`);
  assert.ok(Number(valueIn(QUADLET, 'TimeoutStopSec')) > Number(valueIn(QUADLET, '--stop-timeout')));
});

test('each volume that the DaemonSet mounts is there, and each that is there is mounted', () => {
  const mounts = [...POD.initContainers, ...POD.containers].flatMap(({ volumeMounts }) => volumeMounts);
  const names = (list: readonly { readonly name: string }[]) =>
    [...new Set(list.map(({ name }) => name))].sort();
  assert.deepEqual(names(mounts), names(POD.volumes));
  const kept = KUBERNETES.filter(({ kind }) => kind !== 'DaemonSet');
  assert.deepEqual(
    kept.map(({ kind, metadata }) => [kind, metadata.name, metadata.namespace]),
    [
      ['ConfigMap', 'halfpipe', 'halfpipe'],
      ['Secret', 'halfpipe', 'halfpipe'],
    ],
  );
  assert.deepEqual(DAEMON_SET.selector.matchLabels, DAEMON_SET.template.metadata.labels);
  // The key is where the variable says.
  const [key] = CONTAINER.env;
  const { mountPath } = CONTAINER.volumeMounts.find(({ name }: { name: string }) => name === 'key');
  assert.equal(key.value, `${mountPath}/${Object.keys(kept[1].stringData)[0]}`);
});

test('a file in quarantine makes a container unhealthy or not ready, and restarts none', () => {
  assert.match(CONTAINERFILE, /^HEALTHCHECK .* CMD \["halfpipe", "status"\]$/m);
  assert.match(QUADLET, /^HealthCmd=halfpipe status$/m);
  assert.ok(!QUADLET.includes('HealthOnFailure'));
  assert.deepEqual(CONTAINER.readinessProbe.exec.command, ['halfpipe', 'status']);
  assert.deepEqual(CONTAINER.livenessProbe.exec.command, ['sh', '-c', 'halfpipe status; [ $? -le 1 ]']);
});
