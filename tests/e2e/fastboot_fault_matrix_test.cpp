// Every fault of a simulated bootloader against restoring by fastboot: over a cable that knows transfers and over TCP,
// images that go over raw and in sparse pieces.  In the end the phone holds the backup, or the verification names the
// byte that it does not; nothing hangs, and nothing is written outside of the plan.
#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "phone_faults_bench.hpp"
#include "salvage/device/fastboot.hpp"
#include "salvage/device/phone.hpp"
#include "salvage/io/sources.hpp"
#include "support/assert_result.hpp"

namespace salvage::test {
namespace {

namespace fs = std::filesystem;
using device::PhoneFaults;
using std::chrono::nanoseconds;

enum class Medium : bool { cable, tcp };
enum class Form : bool { raw, sparse };

// In the first command, in its answer, in the questions after it, around the first download's beginning, in its first,
// middle and last bytes, and in the second partition.
constexpr std::array<std::uint64_t, 14> places{2,      20,      45,      77,        130,       200,       260,
                                               70'001, 135'000, 500'000, 1'000'003, 1'040'200, 1'049'400, 1'090'000};

/// What a phone may be silent for; a stall costs it.  On the cable that is virtual time, and as the product has it.
constexpr device::FastbootWaits cable_waits{};
constexpr device::FastbootWaits tcp_waits{.answer = device::Timeout{150}, .work = device::Timeout{150}};
/// Beyond the longest wait: what a slow link takes for the whole plan, twice over.
constexpr std::chrono::seconds slow_link{120};
/// Of the real clock, for a machine that has other things to do.
constexpr std::chrono::seconds tcp_patience{30};

struct Case {
    Fault fault;
    Medium medium;
    Form form;
    std::uint64_t at;

    [[nodiscard]] ByteCount max_download() const { return ByteCount{form == Form::raw ? 4U << 20U : 256U << 10U}; }
    [[nodiscard]] std::string name() const
    {
        return fmt::format("{} at {}, {}, {}", fault.name, at, medium == Medium::cable ? "cable" : "tcp",
                           form == Form::raw ? "raw" : "sparse");
    }
};

/// A slow link costs no time here.
class NoWaiter final : public device::Waiter {
public:
    void wait(nanoseconds /*time*/) override {}
};

/// A phone in fastboot on a thread of its own, over either medium; its faults strike once.
class Bootloader {
public:
    Bootloader(std::shared_ptr<device::PhoneFlash> flash, device::FastbootPhoneOptions options, Medium medium)
        : flash_{std::move(flash)}, options_{std::move(options)}
    {
        if (medium == Medium::tcp) {
            server_ = device::FastbootServer::listen_tcp("127.0.0.1", 0).unwrap();
            thread_ = std::jthread{[this](const std::stop_token& stop) {
                RunContext context;
                context.stop = stop;
                EXPECT_TRUE(is_ok(server_->run(*flash_, options_, no_wait_, context)));
            }};
        }
    }
    Bootloader(const Bootloader&) = delete;
    Bootloader& operator=(const Bootloader&) = delete;
    ~Bootloader() { unplug(); }

    Result<device::Fastboot> connect()
    {
        if (server_) {
            clock_ = {};
            return device::Fastboot{
                SALVAGE_TRY(device::connect_fastboot_tcp("127.0.0.1", server_->port())), {}, tcp_waits};
        }
        unplug();
        auto pipe = device::make_pipe(512);
        clock_ = pipe.clock;
        pull_ = pipe.pull;
        thread_ = std::jthread{[this, options = options_, waiter = pipe.waiter,
                                cable = std::move(pipe.phone)](const std::stop_token& stop) mutable {
            RunContext context;
            context.stop = stop;
            ignore(device::run_fastboot_phone(*cable, *flash_, options, *waiter, context), "the fault, or no host");
            cable.reset();
        }};
        options_.faults = options_.faults.lasting();
        return device::Fastboot{device::make_fastboot_link(std::move(pipe.host)), {}, cable_waits};
    }
    /// Of the connection of the moment.
    [[nodiscard]] RunContext context() const
    {
        RunContext context;
        if (clock_) {
            context.clock = clock_.get();
        }
        return context;
    }

private:
    void unplug()
    {
        thread_.request_stop();
        if (const auto pull = std::exchange(pull_, {})) {
            pull();
        }
        if (thread_.joinable()) {
            thread_.join();
        }
    }

    std::shared_ptr<device::PhoneFlash> flash_;
    device::FastbootPhoneOptions options_;
    NoWaiter no_wait_;
    std::optional<device::FastbootServer> server_;
    std::shared_ptr<Clock> clock_;
    std::function<void()> pull_;
    std::jthread thread_;
};

class FastbootFaultMatrix : public SmallRestore {
protected:
    struct Counts {
        std::size_t restores{0};
        std::size_t broken_off{0};
        std::size_t unseen{0};
    };

    void SetUp() override
    {
        SmallRestore::SetUp();
        make_plan(rescue::RestoreTool::fastboot);
        plan_.phone = {.product = "salvage_phone", .serial = {}, .is_unlocked = true, .max_download = {}};
    }

    [[nodiscard]] static device::FastbootPhoneOptions options_of(const Case& one)
    {
        const auto at = [](std::uint64_t start, std::uint64_t size) {
            return ByteRange::between(ByteOffset{start}, ByteOffset{start + size});
        };
        device::FastbootPhoneOptions out;
        out.partitions = {{.name = "metadata", .range = at(metadata_at, metadata_bytes)},
                          {.name = "boot", .range = at(metadata_at + metadata_bytes, metadata_bytes)},
                          {.name = "userdata", .range = at(userdata_at, userdata_bytes)}};
        out.max_download = one.max_download();
        one.fault.set(out.faults, one.at);
        return out;
    }

    /// One try.  It ends within the stated waits.
    Result<rescue::ApplyReport> apply(Bootloader& phone, rescue::ApplyRequest::Mode mode)
    {
        const auto began = std::chrono::steady_clock::now();
        const auto target = rescue::make_fastboot_target(SALVAGE_TRY(phone.connect()));
        const auto context = phone.context();
        const auto virtually_began = context.clock->now();
        auto report = rescue::apply_restore(plan_, *target, request(journal_, mode), context);
        if (context.clock != RunContext{}.clock) {
            EXPECT_LT(context.clock->now() - virtually_began, cable_waits.work + slow_link);
        }
        EXPECT_LT(std::chrono::steady_clock::now() - began, tcp_patience);
        return report;
    }

    /// What a dry run says is written already has to be there.
    void expect_told_truly(const rescue::ApplyReport& report, const device::PhoneFlash& flash, const Case& one) const
    {
        const auto there = content(flash);
        for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
            const auto at = plan_.steps[i].image.range.start().value;
            const auto size = plan_.steps[i].image.range.size().value;
            const auto image = io::make_memory(
                Bytes{ByteView{backup_}.subspan(at, size).begin(), ByteView{backup_}.subspan(at, size).end()}, "image");
            const auto plan = device::Fastboot::plan_flash(image, one.max_download()).unwrap();
            const auto& step = report.steps[i];
            const bool is_done = step.state == rescue::AppliedStep::State::written_before;
            ASSERT_EQ(step.pieces, plan.downloads.size()) << one.name();
            for (std::size_t piece = 0; piece < (is_done ? step.pieces : step.first); ++piece) {
                for (const auto& range : laid_down_by(plan, piece)) {
                    EXPECT_TRUE(
                        std::ranges::equal(ByteView{there}.subspan(at + range.start().value, range.size().value),
                                           ByteView{backup_}.subspan(at + range.start().value, range.size().value)))
                        << one.name() << ": " << plan_.steps[i].partition << ", piece " << piece;
                }
            }
        }
    }
    [[nodiscard]] static std::vector<ByteRange> laid_down_by(const device::Fastboot::FlashPlan& plan, std::size_t piece)
    {
        const auto& download = plan.downloads[piece];
        if (!plan.is_sparse) {
            return {ByteRange::first(download->size())};
        }
        const auto unpacked = io::make_sparse(download).unwrap();
        std::vector<ByteRange> out;
        for (const auto& extent : unpacked->extents(ByteRange::first(unpacked->size())).unwrap()) {
            if (extent.kind == io::ExtentKind::data) {
                out.push_back(extent.range);
            }
        }
        return out;
    }

    /// Until it is done; what each broken try leaves and says is looked at.
    void restore(Bootloader& phone, const device::PhoneFlash& flash, const Case& one, Counts& counts)
    {
        auto applied = apply(phone, rescue::ApplyRequest::Mode::write);
        // A busy machine can break off a try over TCP that no fault touches.
        for (int tries = 1; !applied.has_value() && tries < 6; ++tries) {
            counts.broken_off += tries == 1 ? 1U : 0U;
            EXPECT_NE(applied.error().code, ErrorCode::internal) << one.name() << to_string(applied.error());
            if (applied.error().code == ErrorCode::mismatch) {
                EXPECT_TRUE(flash.writes().empty()) << "it said that nothing was written: " << one.name();
            }
            const auto outlook = apply(phone, rescue::ApplyRequest::Mode::dry_run);
            if (outlook.has_value()) {
                expect_told_truly(*outlook, flash, one);
            }
            applied = apply(phone, rescue::ApplyRequest::Mode::write);
        }
        ASSERT_TRUE(is_ok(applied)) << one.name();
    }

    /// The bit that fastboot cannot see: verification against a second dump names its byte.
    void expect_named_by_verification(const device::PhoneFlash& flash, const Case& one) const
    {
        const auto after = content(flash);
        const auto [found, wanted] = std::ranges::mismatch(after, wanted_);
        const auto first = static_cast<std::uint64_t>(found - after.begin());
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < after.size(); ++i) {
            wrong += after[i] != wanted_[i] ? 1U : 0U;
        }
        EXPECT_EQ(wrong, 1U) << one.name();
        const auto dump = work_.write("after.img", after);
        const auto read_back = rescue::make_dump_read_back(
            rescue::open_dump({.path = dump.string(), .layout_files = {}, .footer_file = {}, .map_file = {}}).unwrap());
        const auto report = rescue::verify_restore(plan_, *read_back, {});
        ASSERT_TRUE(is_ok(report)) << one.name();
        ASSERT_TRUE(report->first_mismatch().has_value()) << one.name();
        const auto step = std::ranges::find(report->steps, false, &rescue::VerifiedStep::is_same);
        EXPECT_EQ(step->on_phone, ByteOffset{first}) << one.name();
    }

    void run(Medium medium, Form form)
    {
        Counts counts;
        for (const auto& fault : phone_faults) {
            for (const auto at : places) {
                const Case one{.fault = fault, .medium = medium, .form = form, .at = at};
                const TemporaryFolder folder;
                journal_ = folder.path() / "journal";
                plan_.phone.max_download = one.max_download();
                const auto flash = other_rom();
                {
                    Bootloader phone{flash, options_of(one), medium};
                    restore(phone, *flash, one, counts);
                }
                if (HasFatalFailure()) {
                    return;
                }
                ++counts.restores;
                EXPECT_TRUE(has_only_planned_writes(*flash)) << one.name();
                if (content(*flash) == wanted_) {
                    continue;
                }
                EXPECT_EQ(fault.name, "flipped bit") << one.name();
                ++counts.unseen;
                expect_named_by_verification(*flash, one);
            }
        }
        EXPECT_EQ(counts.restores, phone_faults.size() * places.size());
        EXPECT_GT(counts.broken_off, counts.restores / 3);
        EXPECT_LE(counts.unseen, places.size());
        fmt::print("{} restores by fastboot over {}, {}: {} were broken off and gone on with; {} identical, {} with a "
                   "flipped bit that only the verification sees; no write outside\n",
                   counts.restores, medium == Medium::cable ? "a cable" : "TCP", form == Form::raw ? "raw" : "sparse",
                   counts.broken_off, counts.restores - counts.unseen, counts.unseen);
    }

    fs::path journal_;
};

TEST_F(FastbootFaultMatrix, EveryRawRestoreOverACableEndsInTheRightBytes)
{
    run(Medium::cable, Form::raw);
}

TEST_F(FastbootFaultMatrix, EverySparseRestoreOverACableEndsInTheRightBytes)
{
    run(Medium::cable, Form::sparse);
}

TEST_F(FastbootFaultMatrix, EveryRawRestoreOverTcpEndsInTheRightBytes)
{
    run(Medium::tcp, Form::raw);
}

TEST_F(FastbootFaultMatrix, EverySparseRestoreOverTcpEndsInTheRightBytes)
{
    run(Medium::tcp, Form::sparse);
}

} // namespace
} // namespace salvage::test
