// Keys a second of one core: every instruction set and every number of scrypt lanes, beside OpenSSL one secret at a
// time.  CPU time, one thread, bound to one core.  Every key is compared with OpenSSL's, outside the timed part.
//
//   kdf_bench --benchmark_repetitions=5 --benchmark_report_aggregates_only=true
//   kdf_bench --benchmark_filter='scrypt|two_cores'
#include <benchmark/benchmark.h>
#include <openssl/evp.h>
#include <sched.h>

#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "salvage/crypto/kdf_device.hpp"

namespace {

using namespace salvage;
using crypto::Isa;
using crypto::KdfDevice;
using crypto::KdfJob;
using crypto::KdfKind;

struct Task {
    const char* name;
    KdfKind kind;
    std::uint32_t iterations;
};
// What Android asks for: footers up to 4.3, Samsung's, and 4.4 and later.
constexpr std::array tasks{Task{.name = "pbkdf2_sha1_2000", .kind = KdfKind::pbkdf2_sha1, .iterations = 2000},
                           Task{.name = "pbkdf2_sha256_4096", .kind = KdfKind::pbkdf2_sha256, .iterations = 4096},
                           Task{.name = "scrypt_15_3_1", .kind = KdfKind::scrypt, .iterations = 0}};

KdfJob job_of(const Task& task)
{
    KdfJob job{.kind = task.kind, .iterations = Iterations{task.iterations}};
    for (unsigned i = 0; i < 16; ++i) {
        job.salt.push_back(static_cast<std::byte>(i));
    }
    return job;
}

/// PINs of six digits.
std::vector<std::string> make_secrets(std::size_t count)
{
    std::vector<std::string> secrets;
    for (std::size_t i = 0; i < count; ++i) {
        secrets.push_back(std::to_string(100000 + (i * 7919)));
    }
    return secrets;
}

Bytes openssl_key(const KdfJob& job, const std::string& secret)
{
    Bytes key(job.key_bytes);
    auto* const out = as_uchar(std::span<std::byte>{key});
    const auto* const salt = as_uchar(ByteView{job.salt});
    if (job.kind == KdfKind::scrypt) {
        EVP_PBE_scrypt(secret.data(), secret.size(), salt, job.salt.size(), 1ULL << job.factors.n_log2,
                       1ULL << job.factors.r_log2, 1ULL << job.factors.p_log2, 1ULL << 30U, out, key.size());
    } else {
        PKCS5_PBKDF2_HMAC(secret.data(), static_cast<int>(secret.size()), salt, static_cast<int>(job.salt.size()),
                          static_cast<int>(job.iterations.value),
                          job.kind == KdfKind::pbkdf2_sha1 ? EVP_sha1() : EVP_sha256(), static_cast<int>(key.size()),
                          out);
    }
    return key;
}

/// The answer for the first `count` secrets; each is computed once.
Bytes answer(const Task& task, std::size_t count)
{
    static std::map<KdfKind, std::vector<Bytes>> known;
    auto& keys = known[task.kind];
    const auto secrets = make_secrets(count);
    Bytes all;
    for (std::size_t i = 0; i < count; ++i) {
        if (keys.size() == i) {
            keys.push_back(openssl_key(job_of(task), secrets[i]));
        }
        all.insert(all.end(), keys[i].begin(), keys[i].end());
    }
    return all;
}

void bind_to(int core)
{
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(static_cast<std::size_t>(core), &cores);
    sched_setaffinity(0, sizeof cores, &cores);
}

/// Some full batches of one device, ready to be derived.
struct Load {
    std::unique_ptr<KdfDevice> device;
    KdfJob job;
    std::vector<std::string> secrets;
    std::vector<ByteView> views;
    Bytes keys;

    Load(const Task& task, std::optional<Isa> isa, std::size_t lanes)
        : device{crypto::make_cpu_kdf_device({.isa = isa, .scrypt_lanes = lanes}).unwrap()}, job{job_of(task)},
          secrets{make_secrets(device->batch_size(job) * (task.kind == KdfKind::scrypt ? 1 : 4))},
          keys(secrets.size() * job.key_bytes)
    {
        for (const auto& secret : secrets) {
            views.push_back(as_bytes(secret));
        }
        run(); // takes the memory
    }
    void run() { device->derive(job, views, keys).unwrap(); }
};

void salvage_derive(benchmark::State& state, const Task& task, std::optional<Isa> isa, std::size_t lanes)
{
    bind_to(0);
    Load load{task, isa, lanes};
    std::ranges::fill(load.keys, std::byte{0});
    for (auto _ : state) {
        load.run();
    }
    if (load.keys != answer(task, load.secrets.size())) {
        state.SkipWithError("wrong answer");
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(load.secrets.size()));
    state.SetLabel(load.device->name());
}

void openssl_derive(benchmark::State& state, const Task& task)
{
    bind_to(0);
    const auto job = job_of(task);
    const auto secret = make_secrets(1).front();
    Bytes key;
    for (auto _ : state) {
        key = openssl_key(job, secret);
        benchmark::DoNotOptimize(key);
    }
    if (key != answer(task, 1)) {
        state.SkipWithError("wrong answer");
    }
    state.SetItemsProcessed(state.iterations());
    state.SetLabel("OpenSSL");
}

/// Wall time of the same work on one core, and on each of two at once.
void two_cores(benchmark::State& state, const Task& task, std::size_t lanes)
{
    const auto work = [&](int core) {
        bind_to(core);
        Load load{task, {}, lanes};
        const auto start = std::chrono::steady_clock::now();
        const auto rounds = task.kind == KdfKind::scrypt ? 4 : 400;
        for (int round = 0; round < rounds; ++round) {
            load.run();
        }
        return std::chrono::duration<double>{std::chrono::steady_clock::now() - start}.count();
    };
    double ratio = 0;
    for (auto _ : state) {
        const auto alone = work(0);
        std::array<double, 2> together{};
        {
            const std::jthread first{[&] { together[0] = work(0); }};
            const std::jthread second{[&] { together[1] = work(1); }};
        }
        ratio = (alone / together[0]) + (alone / together[1]);
    }
    state.counters["two_cores_over_one"] = ratio;
}

bool register_all()
{
    for (const auto& task : tasks) {
        const auto name = std::string{task.name};
        benchmark::RegisterBenchmark((name + "/openssl").c_str(), openssl_derive, task)->Unit(benchmark::kMillisecond);
        for (const auto isa : crypto::supported_isas()) {
            for (const std::size_t lanes : {4U, 8U, 16U, 32U}) {
                const auto is_scrypt = task.kind == KdfKind::scrypt;
                if ((is_scrypt && isa == Isa::sha_ni) || (!is_scrypt && lanes != 4)) {
                    continue; // no such kernel; lanes are scrypt's
                }
                const auto full = name + "/" + std::string{to_string(isa)} +
                                  (is_scrypt ? "/" + std::to_string(lanes) + "_lanes" : "");
                benchmark::RegisterBenchmark(full.c_str(), salvage_derive, task, isa, lanes)
                    ->Unit(benchmark::kMillisecond);
            }
        }
        benchmark::RegisterBenchmark(("two_cores/" + name).c_str(), two_cores, task, std::size_t{16})
            ->Unit(benchmark::kMillisecond)
            ->Iterations(1)
            ->UseRealTime();
    }
    return true;
}

const bool is_registered = register_all();

} // namespace
