#!/usr/bin/env python3
"""`tollgate serve` beside nginx, under wrk: rounds that take turns, 100 reloads under load, and shedding while the upstream is slow.

Needs nginx and wrk (Debian: apt-get install nginx-light wrk) and a release build of the command:

    cargo build --release -p tollgate-cli
    python3 benches/serve/run.py [--rounds 5] [--seconds 5] [--connections 32]

Prints Markdown. Fails with 1 where a request failed during reloads, or what was shed is more than two points off the curve.
"""

import argparse
import collections
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
UPSTREAM, SLOW, NGINX, TOLLGATE, SHED = 9101, 9102, 9103, 9104, 9105

COMMON = """
daemon off; pid {folder}/{name}.pid; error_log {folder}/{name}.error warn;
worker_processes {workers};
events {{ worker_connections 4096; }}
http {{
  client_body_temp_path {folder}/{name}1; proxy_temp_path {folder}/{name}2;
  fastcgi_temp_path {folder}/{name}3; uwsgi_temp_path {folder}/{name}4; scgi_temp_path {folder}/{name}5;
  keepalive_requests 100000000;
"""

# A page of 1 KiB. The slow one answers so many requests a second; more wait their turn.
PAGES = COMMON + """
  access_log off;
  limit_req_zone $server_name zone=slow:1m rate=200r/s;
  server {{ listen 127.0.0.1:%d; root {folder}; location / {{ try_files /page =404; }} }}
  server {{ listen 127.0.0.1:%d; root {folder}; location / {{ limit_req zone=slow burst=10000; try_files /page =404; }} }}
}}
""" % (UPSTREAM, SLOW)

PROXY = COMMON + """
  log_format all '$msec $request_id $remote_addr $request_method $host $request_uri $status $upstream_addr $request_time $body_bytes_sent';
  access_log {folder}/nginx.log all buffer=64k flush=1s;
  upstream pages {{ server 127.0.0.1:%d; keepalive 128; keepalive_requests 100000000; }}
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Request-Id $request_id;
  server {{
    listen 127.0.0.1:%d;
    location /catalog/ {{ proxy_pass http://pages; }}
    location /v2/carts/ {{ if ($host != "shop.example") {{ return 404; }} proxy_pass http://pages; }}
    location = /healthz {{ return 204; }}
    location / {{ return 404; }}
  }}
}}
""" % (UPSTREAM, NGINX)

SETTINGS = """
entry = "edge"
listen = ["127.0.0.1:{port}"]
access_log = "{name}.log"
threads = 2
watch = "0"
{more}
[clusters.pages]
endpoints = [{{ address = "127.0.0.1:%d" }}]
[clusters.slow]
endpoints = [{{ address = "127.0.0.1:%d" }}]
""" % (UPSTREAM, SLOW)


def need(name):
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin")
    if not found:
        sys.exit(f"{name} is missing: apt-get install {'nginx-light' if name == 'nginx' else name}")
    return found


def listens(port):
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"nobody listens on {port}")


def micros(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 1, "ms": 1e3, "s": 1e6, "m": 6e7}[unit]


def wrk(binary, port, path, seconds, connections, script=None):
    command = [binary, "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    command += ["-s", script] if script else ["-H", "Host: shop.example"]
    out = subprocess.run(command + [f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True).stdout
    found = {q: micros(v) for q, v in re.findall(r"^\s+(50|99)%\s+(\S+)$", out, re.M)}
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", out)
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    return {
        "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)),
        "p50": found["50"],
        "p99": found["99"],
        "requests": int(re.search(r"(\d+) requests in", out).group(1)),
        "failed": sum(map(int, errors.groups())) if errors else 0,
        "not_2xx": int(wrong.group(1)) if wrong else 0,
    }


def beside(options, binary):
    print("## Beside nginx\n")
    print(f"{options.rounds} rounds of {options.seconds} s each, taking turns, {options.connections} connections, a page of 1 KiB.\n")
    rows = {"the upstream itself": UPSTREAM, "nginx": NGINX, "tollgate serve": TOLLGATE}
    seen = collections.defaultdict(list)
    for _ in range(options.rounds):
        for name, port in rows.items():
            seen[name].append(wrk(binary, port, "/v2/carts/c_1", options.seconds, options.connections))
    print("| | requests a second, median (least to most) | p50, us | p99, us | failed |")
    print("|---|---:|---:|---:|---:|")
    for name, rounds in seen.items():
        rates = [r["rate"] for r in rounds]
        middle = {k: statistics.median(r[k] for r in rounds) for k in ("rate", "p50", "p99")}
        failed = sum(r["failed"] + r["not_2xx"] for r in rounds)
        spread = f"{middle['rate']:,.0f} ({min(rates):,.0f} to {max(rates):,.0f})"
        print(f"| {name} | {spread} | {middle['p50']:,.0f} | {middle['p99']:,.0f} | {failed} |")
    print(flush=True)


def reloads(options, binary, folder, server):
    print("## 100 reloads under load\n")
    file = os.path.join(folder, "routes.rules")
    with open(file) as rules:
        text = rules.read()
    before = count(os.path.join(folder, "routes.err"))
    load = subprocess.Popen(
        [binary, "-t1", f"-c{options.connections}", "-d600s", "-H", "Host: shop.example", f"http://127.0.0.1:{TOLLGATE}/v2/carts/c_1"],
        stdout=subprocess.PIPE, text=True)
    for i in range(100):
        with open(file, "w") as rules:
            rules.write(f"{text}\n# {i}\n")
        server.send_signal(1)
        while count(os.path.join(folder, "routes.err")) < before + i + 1:
            time.sleep(0.01)
    load.send_signal(2)
    out, _ = load.communicate()
    wrong = re.search(r"Socket errors.*|Non-2xx.*", out)
    requests = re.search(r"(\d+) requests in", out).group(1)
    print(f"{int(requests):,} requests while the rules were replaced 100 times (SIGHUP, each time other text); failed: {wrong.group(0) if wrong else 'none'}\n", flush=True)
    return wrong is None


def count(file):
    with open(file) as lines:
        return lines.read().count("the rules were read again")


def shedding(options, binary, folder):
    print("## Shedding while the upstream is slow\n")
    wrk(binary, SHED, "/catalog/page", 20, 200, os.path.join(HERE, "priority.lua"))
    time.sleep(1)
    bands = collections.defaultdict(lambda: [0, 0, 0.0])
    with open(os.path.join(folder, "shed.log")) as lines:
        for line in lines:
            line = json.loads(line)
            depth = min(max((line["busy"] - 0.60) / 0.35, 0), 1)
            for band in ("all", f"{int(line['busy'] * 10) * 10}% to {int(line['busy'] * 10) * 10 + 10}%"):
                bands[band][0] += 1
                bands[band][1] += line.get("by") == "red_zone"
                bands[band][2] += depth ** 3
    print("The upstream answers 200 requests a second; 200 clients ask, each for a priority drawn from 0 to 99. What was shed, beside what the curve says for the load that each request met:\n")
    print("| busy | requests | shed | the curve | off by |")
    print("|---|---:|---:|---:|---:|")
    fine = True
    for band, (requests, shed, curve) in sorted(bands.items()):
        off = 100 * (shed - curve) / requests
        fine &= abs(off) <= 2 or requests < 1000
        print(f"| {band} | {requests:,} | {100 * shed / requests:.1f}% | {100 * curve / requests:.1f}% | {off:+.1f} |")
    print("\nBands of fewer than 1,000 requests are shown and not judged.\n")
    return fine


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--tollgate", default=os.path.join(ROOT, "target", "release", "tollgate"))
    options = parser.parse_args()
    nginx, binary = need("nginx"), need("wrk")
    if not os.path.exists(options.tollgate):
        sys.exit(f"{options.tollgate} is missing: cargo build --release -p tollgate-cli")
    folder = tempfile.mkdtemp(prefix="tollgate-bench-")
    os.chmod(folder, 0o755)
    started = []
    try:
        with open(os.path.join(folder, "page"), "w") as page:
            page.write("x" * 1023 + "\n")
        for name, conf, workers in (("pages", PAGES, 1), ("proxy", PROXY, 2)):
            file = os.path.join(folder, f"{name}.conf")
            with open(file, "w") as out:
                out.write(conf.format(folder=folder, name=name, workers=workers))
            started.append(subprocess.Popen([nginx, "-c", file, "-p", folder], stderr=subprocess.DEVNULL))
        for name, port, more in (("routes", TOLLGATE, ""), ("shed", SHED, "capacity = 100")):
            shutil.copy(os.path.join(HERE, f"{name}.rules"), os.path.join(folder, f"{name}.rules"))
            file = os.path.join(folder, f"{name}.toml")
            with open(file, "w") as out:
                out.write(SETTINGS.format(name=name, port=port, more=more))
            told = open(os.path.join(folder, f"{name}.err"), "w")
            started.append(subprocess.Popen([options.tollgate, "serve", file], stderr=told))
        for port in (UPSTREAM, SLOW, NGINX, TOLLGATE, SHED):
            listens(port)
        beside(options, binary)
        fine = reloads(options, binary, folder, started[2])
        fine &= shedding(options, binary, folder)
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
