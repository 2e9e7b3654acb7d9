// Reading a flash: ours (mapped, hashed twice over, checkpointed) beside a plain copy through the same transport.
// The transport is memory, and memory that gives no more than a fast USB phone does.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include "salvage/io/output_file.hpp"
#include "salvage/rescue/read_flash.hpp"

namespace {

using namespace salvage;

constexpr std::size_t flash_bytes = std::size_t{256} << 20U;
constexpr std::size_t packet_bytes = std::size_t{64} << 10U; // of an XFlash agent

const Bytes& content()
{
    static const Bytes bytes = [] {
        Bytes out(flash_bytes);
        std::uint64_t state = 1;
        for (std::size_t at = 0; at < out.size(); at += sizeof(state)) {
            state = (state * 6364136223846793005ULL) + 1442695040888963407ULL;
            store_le(std::span{out}.subspan(at), state);
        }
        return out;
    }();
    return bytes;
}

/// Gives `bytes_a_second` at most; 0: as fast as memory.
class MemoryReader final : public device::FlashReader {
public:
    explicit MemoryReader(std::uint64_t bytes_a_second) : bytes_a_second_{bytes_a_second}
    {
        info_.block = ByteCount{512};
        info_.cid = Bytes(16, std::byte{1});
        info_.regions = {{.name = "user", .id = 8, .size = ByteCount{flash_bytes}}};
    }
    [[nodiscard]] const device::StorageInfo& storage() const noexcept override { return info_; }
    [[nodiscard]] std::string identity() const override { return "emmc 01"; }
    Result<> read(const device::StorageRegion& /*region*/, ByteRange range, const Sink& sink,
                  const RunContext& /*context*/) override
    {
        for (auto at = range.start(); at < range.end();) {
            const auto count = std::min<std::uint64_t>((range.end() - at).value, packet_bytes);
            keep_pace(count);
            SALVAGE_TRY(sink(
                at, ByteView{content()}.subspan(static_cast<std::size_t>(at.value), static_cast<std::size_t>(count))));
            at = at + ByteCount{count};
        }
        return {};
    }

private:
    void keep_pace(std::uint64_t count)
    {
        given_ += count;
        if (bytes_a_second_ > 0) {
            const std::chrono::duration<double> due{static_cast<double>(given_) / static_cast<double>(bytes_a_second_)};
            std::this_thread::sleep_until(start_ + std::chrono::duration_cast<std::chrono::nanoseconds>(due));
        }
    }

    std::uint64_t bytes_a_second_;
    std::uint64_t given_{0};
    std::chrono::steady_clock::time_point start_{std::chrono::steady_clock::now()};
    device::StorageInfo info_;
};

/// In memory where there is such a place: no disk is measured.
std::filesystem::path fresh_folder()
{
    const auto base = std::filesystem::is_directory("/dev/shm") ? std::filesystem::path{"/dev/shm"}
                                                                : std::filesystem::temp_directory_path();
    auto pattern = (base / "salvage-bench-XXXXXX").string();
    return mkdtemp(pattern.data()) == nullptr ? std::filesystem::path{} : std::filesystem::path{pattern};
}

std::uint64_t speed_of(const benchmark::State& state)
{
    return static_cast<std::uint64_t>(state.range(0)) << 20U;
}

void read_ours(benchmark::State& state)
{
    for (auto _ : state) {
        const auto folder = fresh_folder();
        const auto speed = speed_of(state);
        const auto report = rescue::read_flash(
            [speed](const RunContext&) -> Result<std::unique_ptr<device::FlashReader>> {
                return std::make_unique<MemoryReader>(speed);
            },
            folder / "dump", {}, {});
        if (!report.has_value() || !report->regions.front().is_whole()) {
            state.SkipWithError("wrong answer");
        }
        std::filesystem::remove_all(folder);
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(flash_bytes));
}

void read_plain_copy(benchmark::State& state)
{
    for (auto _ : state) {
        const auto folder = fresh_folder();
        MemoryReader reader{speed_of(state)};
        auto file = io::OutputFile::create(folder / "dump").value();
        const auto done = reader.read(reader.storage().regions.front(), ByteRange::first(ByteCount{flash_bytes}),
                                      [&](ByteOffset at, ByteView bytes) { return file.write_at(at, bytes); }, {});
        if (!done.has_value() || !file.commit().has_value()) {
            state.SkipWithError("wrong answer");
        }
        std::filesystem::remove_all(folder);
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(flash_bytes));
}

// MiB a second: as fast as memory; a high-speed USB phone; one on USB 3.
BENCHMARK(read_ours)->Arg(0)->Arg(40)->Arg(300)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(read_plain_copy)->Arg(0)->Arg(40)->Arg(300)->Unit(benchmark::kMillisecond)->UseRealTime();

} // namespace
