// Keys a second of every GPU here, for each kind of derivation as phones have it; the answers are the CPU's.  Where
// hashcat is installed, its rate for the same work on the same kind of device stands beside (set SALVAGE_BENCH_HASHCAT
// to 0 to leave it out: it compiles for minutes on some drivers).
//
// hashcat's rate is of all devices of that kind together, and includes its own check of each key, which is next to
// nothing beside the derivation.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/crypto/gpu.hpp"

namespace {

using namespace salvage;
using crypto::KdfKind;

struct Work {
    const char* name;
    KdfKind kind;
    Iterations iterations;
    /// hashcat's options for the same work.
    const char* hashcat;
};
// 8800 and 12900 measure themselves; 8900 does at other factors, so it is given a footer's, with a key nobody finds.
constexpr std::array works{
    Work{"pbkdf2_sha1_2000", KdfKind::pbkdf2_sha1, Iterations{2000}, "-b -m 8800 --machine-readable"},
    Work{"pbkdf2_sha256_4096", KdfKind::pbkdf2_sha256, Iterations{4096}, "-b -m 12900 --machine-readable"},
    Work{"scrypt_15_3_1", KdfKind::scrypt, Iterations{0},
         "-m 8900 -a 3 --potfile-disable --status --status-json --status-timer 5 --runtime 60 "
         "SCRYPT:32768:8:2:MDEyMzQ1Njc4OWFiY2RlZg==:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= ?d?d?d?d?d?d"}};

crypto::KdfJob job_of(const Work& work)
{
    return {.kind = work.kind,
            .salt = Bytes(16, std::byte{0x42}),
            .iterations = work.iterations,
            .factors = {},
            .key_bytes = 32};
}

Bytes key_on_cpu(const crypto::KdfJob& job, ByteView secret)
{
    Bytes key(job.key_bytes);
    ignore(crypto::derive_key(job, secret, key), "a wrong key tells");
    return key;
}

/// The last number after `mark` in a program's output.
std::optional<double> last_number_of(const std::string& command, std::string_view mark)
{
    const std::unique_ptr<FILE, int (*)(FILE*)> output{popen(command.c_str(), "r"), pclose};
    std::array<char, 65536> line{};
    std::optional<double> found;
    while (output != nullptr && std::fgets(line.data(), line.size(), output.get()) != nullptr) {
        const std::string_view text{line.data()};
        const auto at = text.rfind(mark);
        if (at != std::string_view::npos && (mark != ":" || text.find_first_not_of("0123456789:.\n") == text.npos)) {
            found = std::strtod(text.data() + at + mark.size(), nullptr);
        }
    }
    return found;
}

/// hashcat's keys a second; nothing where it does not run.
std::optional<double> hashcat_rate(const Work& work, bool is_cpu)
{
    const char* const wanted = std::getenv("SALVAGE_BENCH_HASHCAT");
    if (wanted != nullptr && std::string_view{wanted} == "0") {
        return std::nullopt;
    }
    const auto command =
        fmt::format("timeout 600 hashcat {} {} 2>/dev/null", is_cpu ? "--force -D 1" : "-D 2", work.hashcat);
    const auto is_self_measured = std::string_view{work.hashcat}.starts_with("-b");
    const auto rate = last_number_of(command, is_self_measured ? ":" : "\"speed\": ");
    return rate && *rate > 0 ? rate : std::nullopt;
}

/// Batches that each thread derives in one iteration.
constexpr unsigned batches = 3;

/// A device and its batch.
struct Host {
    std::unique_ptr<crypto::KdfDevice> device;
    Bytes keys;

    /// Whether all went well.
    bool derive(const crypto::KdfJob& job, std::span<const ByteView> secrets, unsigned times)
    {
        for (unsigned i = 0; i < times; ++i) {
            if (!device->derive(job, secrets, keys)) {
                return false;
            }
        }
        return true;
    }
};

/// Opened as a search opens it: twice for PBKDF2, so that one thread's host work hides behind the other's derivation.
Result<std::vector<Host>> open_hosts(const crypto::GpuInfo& gpu, const Work& work, std::optional<unsigned> gap_log2)
{
    std::vector<Host> hosts(work.kind == KdfKind::scrypt ? 1 : 2);
    for (auto& host : hosts) {
        host.device = SALVAGE_TRY(crypto::open_gpu(gpu, {.scrypt_gap_log2 = gap_log2}));
    }
    return hosts;
}

/// `gap_log2`: see crypto::GpuOptions.
void derive(benchmark::State& state, const crypto::GpuInfo& gpu, const Work& work, std::optional<unsigned> gap_log2)
{
    auto opened = open_hosts(gpu, work, gap_log2);
    if (!opened) {
        state.SkipWithError(to_string(opened.error()).c_str());
        return;
    }
    auto& hosts = *opened;
    const auto job = job_of(work);
    std::vector<std::string> texts(hosts.front().device->batch_size(job));
    std::vector<ByteView> secrets;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        texts[i] = fmt::format("{:08}", i);
        secrets.push_back(as_bytes(texts[i]));
    }
    bool is_good = true;
    for (auto& host : hosts) {
        host.keys.resize(secrets.size() * job.key_bytes);
        is_good = host.derive(job, secrets, 1) && is_good; // pace and memory are found here
    }
    std::chrono::duration<double> spent{0};
    std::size_t derived = 0;
    for (auto _ : state) {
        const auto begun = std::chrono::steady_clock::now();
        std::vector<std::future<bool>> running;
        for (auto& host : hosts) {
            running.push_back(std::async(std::launch::async, [&] { return host.derive(job, secrets, batches); }));
        }
        for (auto& one : running) {
            is_good = one.get() && is_good;
        }
        spent += std::chrono::steady_clock::now() - begun;
        derived += secrets.size() * batches * hosts.size();
    }
    for (const auto i : {std::size_t{0}, secrets.size() / 2, secrets.size() - 1}) {
        for (const auto& host : hosts) {
            const auto key = ByteView{host.keys}.subspan(i * job.key_bytes, job.key_bytes);
            is_good = is_good && std::ranges::equal(key, key_on_cpu(job, secrets[i]));
        }
    }
    if (!is_good) {
        state.SkipWithError("the device failed, or a wrong answer");
        return;
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(derived));
    const auto ours = static_cast<double>(derived) / spent.count();
    const auto theirs = gap_log2 ? std::nullopt : hashcat_rate(work, gpu.is_cpu);
    state.SetLabel(fmt::format("{}, {} at once: {:.1f} keys/s; {}", hosts.front().device->name(), secrets.size(), ours,
                               theirs ? fmt::format("hashcat {:.1f}, ratio {:.2f}", *theirs, ours / *theirs)
                                      : "no hashcat beside it"));
}

/// One benchmark for each device and kind, known only at run time.
bool register_all()
{
    const auto list = crypto::list_gpus();
    for (const auto& note : list.notes) {
        fmt::print(stderr, "{}\n", note);
    }
    for (std::size_t i = 0; i < list.gpus.size(); ++i) {
        for (const auto& work : works) {
            const auto name = fmt::format("{}/{}:{}", work.name, list.gpus[i].api, i);
            benchmark::RegisterBenchmark(
                name.c_str(), [gpu = list.gpus[i], &work](auto& state) { derive(state, gpu, work, std::nullopt); })
                ->UseRealTime()
                ->Unit(benchmark::kMillisecond)
                ->Iterations(3);
        }
        // What the choice of the gap by memory is worth: the rate with each.
        for (unsigned gap_log2 = 0; gap_log2 <= 4 && !list.gpus[i].is_cpu; ++gap_log2) {
            const auto name = fmt::format("scrypt_15_3_1_gap_{}/{}:{}", 1U << gap_log2, list.gpus[i].api, i);
            benchmark::RegisterBenchmark(name.c_str(), [gpu = list.gpus[i], gap_log2](
                                                           auto& state) { derive(state, gpu, works.back(), gap_log2); })
                ->UseRealTime()
                ->Unit(benchmark::kMillisecond)
                ->Iterations(1);
        }
    }
    return !list.gpus.empty();
}

const bool has_gpu = register_all();

} // namespace
