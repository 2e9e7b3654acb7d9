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
    switch (job.kind) {
    case KdfKind::pbkdf2_sha1: crypto::pbkdf2_sha1(secret, job.salt, job.iterations, key); break;
    case KdfKind::pbkdf2_sha256: crypto::pbkdf2_sha256(secret, job.salt, job.iterations, key); break;
    case KdfKind::scrypt: ignore(crypto::scrypt(secret, job.salt, job.factors, key), "a wrong key tells"); break;
    }
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

void derive(benchmark::State& state, const crypto::GpuInfo& gpu, const Work& work)
{
    const auto opened = crypto::open_gpu(gpu);
    if (!opened) {
        state.SkipWithError(to_string(opened.error()).c_str());
        return;
    }
    auto& device = **opened;
    const auto job = job_of(work);
    std::vector<std::string> texts(device.batch_size(job));
    std::vector<ByteView> secrets;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        texts[i] = fmt::format("{:08}", i);
        secrets.push_back(as_bytes(texts[i]));
    }
    Bytes keys(secrets.size() * job.key_bytes);
    const auto warm = device.derive(job, secrets, keys); // pace and memory are found here
    std::chrono::duration<double> spent{0};
    std::size_t derived = 0;
    for (auto _ : state) {
        const auto begun = std::chrono::steady_clock::now();
        if (!warm || !device.derive(job, secrets, keys)) {
            state.SkipWithError("the device failed");
            return;
        }
        spent += std::chrono::steady_clock::now() - begun;
        derived += secrets.size();
    }
    for (const auto i : {std::size_t{0}, secrets.size() / 2, secrets.size() - 1}) {
        const auto key = ByteView{keys}.subspan(i * job.key_bytes, job.key_bytes);
        if (!std::ranges::equal(key, key_on_cpu(job, secrets[i]))) {
            state.SkipWithError("wrong answer");
        }
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(derived));
    const auto ours = static_cast<double>(derived) / spent.count();
    const auto theirs = hashcat_rate(work, gpu.is_cpu);
    state.SetLabel(fmt::format("{}, {} at once: {:.1f} keys/s; {}", device.name(), secrets.size(), ours,
                               theirs ? fmt::format("hashcat {:.1f}, ratio {:.2f}", *theirs, ours / *theirs)
                                      : "hashcat does not run here"));
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
                name.c_str(), [gpu = list.gpus[i], &work](benchmark::State& state) { derive(state, gpu, work); })
                ->UseRealTime()
                ->Unit(benchmark::kMillisecond)
                ->Iterations(5);
        }
    }
    return !list.gpus.empty();
}

const bool has_gpu = register_all();

} // namespace
