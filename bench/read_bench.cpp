// Reading a flash: ours (mapped, hashed twice over, checkpointed) beside a plain copy through the same transport.
// The transport is memory, memory that gives no more than a fast USB phone does, and the simulated phone's: a pipe in
// this process and a pseudo terminal, with the whole session of its download agent in both of a pair.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "salvage/device/mediatek.hpp"
#include "salvage/device/phone.hpp"
#include "salvage/device/transport.hpp"
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

/// Ours through `connect`, into a fresh folder.  Whether it ended whole.
bool reads_all(const device::Connect& connect)
{
    const auto folder = fresh_folder();
    rescue::ReadOptions only_user;
    only_user.regions = {"user"};
    const auto report = rescue::read_flash(connect, folder / "dump", only_user, {});
    const auto is_whole = report.has_value() && report->regions.front().is_whole();
    std::filesystem::remove_all(folder);
    return is_whole;
}

/// What came, written to a file, and nothing more.  Whether it ended whole.
bool copies_all(const device::Connect& connect)
{
    const auto folder = fresh_folder();
    const auto reader = connect({}).value();
    auto file = io::OutputFile::create(folder / "dump").value();
    const auto* const user = reader->storage().find("user");
    const auto done = reader->read(*user, ByteRange::first(user->size),
                                   [&](ByteOffset at, ByteView bytes) { return file.write_at(at, bytes); }, {});
    const auto is_whole = done.has_value() && file.commit().has_value();
    std::filesystem::remove_all(folder);
    return is_whole;
}

device::Connect memory(const benchmark::State& state)
{
    const auto speed = static_cast<std::uint64_t>(state.range(0)) << 20U;
    return [speed](const RunContext&) -> Result<std::unique_ptr<device::FlashReader>> {
        return std::make_unique<MemoryReader>(speed);
    };
}

enum class Cable : std::int64_t { pipe, pseudo_terminal };

/// A simulated phone on a thread of its own, plugged in anew at each connection.
class Phone {
public:
    explicit Phone(Cable cable) : cable_{cable}
    {
        agents_ =
            device::make_synthetic_agents(device::da_code_of(device::MediatekPhoneOptions{}.hw_code), system_entropy());
        std::vector<device::PhoneFlash::RegionSource> regions;
        regions.push_back({.name = "user", .path = {}, .bytes = content()});
        flash_ = device::PhoneFlash::open(std::move(regions), device::StorageKind::emmc).unwrap();
    }

    [[nodiscard]] device::Connect connect()
    {
        return [this](const RunContext& context) -> Result<std::unique_ptr<device::FlashReader>> {
            auto host = SALVAGE_TRY(plug());
            return Result<std::unique_ptr<device::FlashReader>>{
                SALVAGE_TRY(device::open_mediatek(std::move(host), {.agents = agents_}, context))};
        };
    }

private:
    Result<std::unique_ptr<device::Transport>> plug()
    {
        thread_ = {}; // the phone of the last time
        if (cable_ == Cable::pipe) {
            auto pipe = device::make_pipe(512);
            run(std::move(pipe.phone));
            return std::move(pipe.host);
        }
        auto terminal = SALVAGE_TRY(device::open_pseudo_terminal());
        run(std::move(terminal.phone));
        return device::open_serial(terminal.path);
    }
    void run(std::unique_ptr<device::Transport> end)
    {
        thread_ = std::jthread{[this, cable = std::move(end)](const std::stop_token& stop) {
            RunContext context;
            context.stop = stop;
            ignore(device::run_mediatek_phone(*cable, *flash_, {}, device::real_waiter(), context), "the host tells");
        }};
    }

    Cable cable_;
    Bytes agents_;
    std::shared_ptr<device::PhoneFlash> flash_;
    std::jthread thread_;
};

void run(benchmark::State& state, bool (*transfer)(const device::Connect&), const device::Connect& connect)
{
    for (auto _ : state) {
        if (!transfer(connect)) {
            state.SkipWithError("wrong answer");
        }
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(flash_bytes));
}

void read_ours(benchmark::State& state)
{
    run(state, reads_all, memory(state));
}

void read_plain_copy(benchmark::State& state)
{
    run(state, copies_all, memory(state));
}

void read_ours_from_phone(benchmark::State& state)
{
    Phone phone{static_cast<Cable>(state.range(0))};
    run(state, reads_all, phone.connect());
}

void read_plain_copy_from_phone(benchmark::State& state)
{
    Phone phone{static_cast<Cable>(state.range(0))};
    run(state, copies_all, phone.connect());
}

// MiB a second: as fast as memory; a high-speed USB phone; one on USB 3.
BENCHMARK(read_ours)->Arg(0)->Arg(40)->Arg(300)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(read_plain_copy)->Arg(0)->Arg(40)->Arg(300)->Unit(benchmark::kMillisecond)->UseRealTime();

// Over a pipe in this process, and over a pseudo terminal.
BENCHMARK(read_ours_from_phone)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(read_plain_copy_from_phone)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->UseRealTime();

} // namespace
