#!/usr/bin/python3
"""A real S3 server for tests: OpenStack Swift with its S3 middleware, one copy of everything on plain files.

  swift-s3.py FOLDER PORT    serves S3 on PORT of 127.0.0.1; the three servers behind it take the next ports

Stays in the foreground until its standard input ends, then kills its servers. Access key test:tester, secret testing.
Everything it writes is below FOLDER, whose file system must keep extended attributes. Debian package: python3-swift.
"""
import getpass
import os
import signal
import sys

from swift.common import utils

FOLDER, PORT = os.path.abspath(sys.argv[1]), int(sys.argv[2])
STORAGE = {'account': PORT + 1, 'container': PORT + 2, 'object': PORT + 3}

SERVER = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
fallocate_reserve = 0
[pipeline:main]
pipeline = {filters} {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""

# The least that makes S3 with multipart uploads (slo) of it. tempauth wants a cache, and lives without its answers.
PROXY_FILTERS = 'catch_errors gatekeeper listing_formats cache s3api tempauth bulk slo'
PROXY_OPTIONS = """
account_autocreate = true
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
"""


def write(name, text):
    with open(os.path.join(FOLDER, name), 'w') as file:
        file.write(text)


def write_server(kind, port, filters='', options=''):
    text = SERVER.format(kind=kind, port=port, filters=filters, folder=FOLDER, user=getpass.getuser())
    plain = [name for name in filters.split() if f'[filter:{name}]' not in options]
    text += options + ''.join(f'[filter:{name}]\nuse = egg:swift#{name}\n' for name in plain)
    write(kind + '-server.conf', text)


def write_ring(kind, port):
    """Where everything is: on the only device there is."""
    builder = RingBuilder(part_power=0, replicas=1, min_part_hours=0)
    where = {'region': 1, 'zone': 1, 'ip': '127.0.0.1', 'port': port, 'device': 'only', 'weight': 1}
    builder.add_dev(where | {'replication_ip': '127.0.0.1', 'replication_port': port})
    builder.rebalance()
    builder.get_ring().save(os.path.join(FOLDER, kind + '.ring.gz'))


def serve(kind):
    """In a process of its own; returns its id."""
    child = os.fork()
    if child == 0:
        os._exit(run_wsgi(os.path.join(FOLDER, kind + '-server.conf'), kind + '-server'))
    return child


os.makedirs(os.path.join(FOLDER, 'devices', 'only'))
write('swift.conf', '[swift-hash]\nswift_hash_path_suffix = test\n')
utils.set_swift_dir(FOLDER)
# These read swift.conf when they are imported.
from swift.common.ring import RingBuilder  # noqa: E402
from swift.common.wsgi import run_wsgi  # noqa: E402

for kind, port in STORAGE.items():
    write_server(kind, port)
    write_ring(kind, port)
write_server('proxy', PORT, PROXY_FILTERS, PROXY_OPTIONS)
children = [serve(kind) for kind in [*STORAGE, 'proxy']]
sys.stdin.read()
for child in children:
    os.kill(child, signal.SIGKILL)
