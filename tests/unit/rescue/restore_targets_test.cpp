// Restoring through the real doors: a download agent over a flash in memory, fastboot over the simulated phone.
#include <algorithm>
#include <array>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "salvage/crypto/hash.hpp"
#include "salvage/device/phone.hpp"
#include "salvage/rescue/restore.hpp"
#include "salvage/rescue/sample_phone.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::rescue {
namespace {

using test::fails_with;
using test::is_ok;

/// A flash in memory behind the writer's interface; what is written is kept and noted.
struct Flash {
    Bytes user;
    std::vector<ByteRange> writes;
    std::optional<std::size_t> failing_write; ///< from 1
    std::optional<device::FlashWriter::Goodbye> goodbye{};
};

class FakeWriter final : public device::FlashWriter {
public:
    explicit FakeWriter(Flash& flash) : flash_{&flash}
    {
        info_.kind = device::StorageKind::emmc;
        info_.regions.push_back({.name = "user", .id = 8, .size = ByteCount{flash.user.size()}});
    }

    [[nodiscard]] const device::StorageInfo& storage() const noexcept override { return info_; }
    [[nodiscard]] std::string identity() const override { return "emmc 90014A48"; }
    Result<> read(const device::StorageRegion& /*region*/, ByteRange range, const Sink& sink,
                  const RunContext& /*context*/) override
    {
        constexpr std::uint64_t packet = 100'000;
        for (auto at = range.start(); at < range.end();) {
            const auto count = std::min(packet, (range.end() - at).value);
            SALVAGE_TRY(sink(at, ByteView{flash_->user}.subspan(at.value, count)));
            at = at + ByteCount{count};
        }
        return {};
    }
    Result<> write(const device::StorageRegion& /*region*/, ByteRange range, const Origin& origin,
                   const RunContext& /*context*/) override
    {
        if (flash_->failing_write && flash_->writes.size() + 1 == *flash_->failing_write) {
            return Error{ErrorCode::disconnected, "the cable was pulled", {}, std::nullopt, {}, {}};
        }
        flash_->writes.push_back(range);
        constexpr std::uint64_t packet = 300'032;
        for (auto at = range.start(); at < range.end();) {
            const auto count = std::min(packet, (range.end() - at).value);
            SALVAGE_TRY(origin(at, std::span{flash_->user}.subspan(at.value, count)));
            at = at + ByteCount{count};
        }
        return {};
    }
    Result<> finish(Goodbye goodbye) override
    {
        flash_->goodbye = goodbye;
        return {};
    }

private:
    Flash* flash_;
    device::StorageInfo info_;
};

/// A backup, and another phone of the same model with another installation on it.
class RestoreTargetsTest : public ::testing::Test {
protected:
    static void SetUpTestSuite()
    {
        folder_ = std::make_unique<test::TemporaryFolder>();
        for (const std::uint64_t seed : {1U, 2U}) {
            SamplePhoneSpec spec;
            spec.seed = seed;
            spec.userdata_size = ByteCount{34U << 20U}; // more than one piece of the agent
            spec.footer.n_log2 = 10;
            spec.content.photos = 1;
            const auto place = folder_->path() / std::to_string(seed);
            std::filesystem::create_directory(place);
            dumps_.at(seed - 1) = build_sample_phone(spec, place, {}).unwrap().dump;
        }
    }
    static void TearDownTestSuite() { folder_.reset(); }

    static RestorePlan plan(RestoreTool tool, std::vector<std::pair<std::string, std::string>> variables = {})
    {
        const auto source =
            open_restore_source({.path = dumps_[0], .layout_files = {}, .footer_file = {}, .map_file = {}});
        auto phone = know_phone_by_files({dumps_[1]}).unwrap();
        phone.variables = std::move(variables);
        return plan_restore(*source, phone, {.only = {}, .also = {}, .accepted = {}, .tool = tool}, {}).unwrap();
    }

    ApplyRequest request(const RestorePlan& plan)
    {
        return {.hash = hash_of(plan),
                .journal = work_.path() / "journal",
                .mode = ApplyRequest::Mode::write,
                .confirm = [](const auto&, const auto&) { return true; }};
    }

    /// The second phone with the first one's planned partitions, computed the simple way.
    static Bytes wanted(const RestorePlan& plan)
    {
        const auto from = test::read_file(dumps_[0]);
        auto out = test::read_file(dumps_[1]);
        for (const auto& step : plan.steps) {
            const auto at = static_cast<std::ptrdiff_t>(step.image.range.start().value);
            std::copy_n(from.begin() + at, step.image.range.size().value, out.begin() + at);
        }
        return out;
    }

    static std::unique_ptr<test::TemporaryFolder> folder_;
    static std::array<std::filesystem::path, 2> dumps_;
    test::TemporaryFolder work_;
};
std::unique_ptr<test::TemporaryFolder> RestoreTargetsTest::folder_;
std::array<std::filesystem::path, 2> RestoreTargetsTest::dumps_;

TEST_F(RestoreTargetsTest, AgentWritesThePlannedRangesAndNothingElse)
{
    const auto made = plan(RestoreTool::da_write);
    ASSERT_EQ(made.steps.size(), 2U);
    Flash flash{.user = test::read_file(dumps_[1]), .writes = {}, .failing_write = {}};
    const auto target = make_agent_target(std::make_unique<FakeWriter>(flash));
    const auto report = apply_restore(made, *target, request(made), {});
    ASSERT_TRUE(is_ok(report));
    EXPECT_TRUE(flash.user == wanted(made));
    EXPECT_EQ(flash.goodbye, device::FlashWriter::Goodbye::power_off);
    ASSERT_EQ(flash.writes.size(), 3U);
    for (const auto& range : flash.writes) {
        EXPECT_TRUE(std::ranges::any_of(made.steps, [&](const RestoreStep& step) {
            return ByteRange::make(*step.start, step.image.range.size())->contains(range);
        }));
    }
    const auto read_back = make_flash_read_back(std::make_unique<FakeWriter>(flash));
    auto verified = verify_restore(made, *read_back, {});
    ASSERT_TRUE(is_ok(verified));
    EXPECT_FALSE(verified->first_mismatch());
    flash.user[0x3BC8000 + 77] ^= std::byte{1};
    verified = verify_restore(made, *read_back, {});
    ASSERT_TRUE(is_ok(verified));
    EXPECT_EQ(verified->steps[1].first_difference, ByteOffset{77});
    EXPECT_EQ(verified->steps[1].on_phone, ByteOffset{0x3BC8000 + 77});
}

TEST_F(RestoreTargetsTest, AgentGoesOnAfterEachPulledCable)
{
    const auto made = plan(RestoreTool::da_write);
    Flash flash{.user = test::read_file(dumps_[1]), .writes = {}, .failing_write = {}};
    for (std::size_t n = 1; n <= 3; ++n) {
        flash.failing_write = n;
        const auto target = make_agent_target(std::make_unique<FakeWriter>(flash));
        EXPECT_TRUE(fails_with(apply_restore(made, *target, request(made), {}), ErrorCode::disconnected)) << n;
    }
    flash.failing_write.reset();
    const auto target = make_agent_target(std::make_unique<FakeWriter>(flash));
    ASSERT_TRUE(is_ok(apply_restore(made, *target, request(made), {})));
    EXPECT_EQ(flash.writes.size(), 3U) << "each piece once";
    EXPECT_TRUE(flash.user == wanted(made));
}

TEST_F(RestoreTargetsTest, AgentWritesNothingWhereThePhonesOwnTableDiffers)
{
    const auto made = plan(RestoreTool::da_write);
    Flash flash{.user = test::read_file(dumps_[1]), .writes = {}, .failing_write = {}};
    // No table at the start, none at the end.
    std::ranges::fill(std::span{flash.user}.first(0x8000), std::byte{0});
    std::ranges::fill(std::span{flash.user}.last(0x80000), std::byte{0});
    const auto target = make_agent_target(std::make_unique<FakeWriter>(flash));
    EXPECT_TRUE(fails_with(apply_restore(made, *target, request(made), {}), ErrorCode::mismatch));
    EXPECT_TRUE(flash.writes.empty());
}

/// The simulated bootloader in a thread, with one flash.
class Bootloader {
public:
    explicit Bootloader(Bytes user)
        : flash_{device::PhoneFlash::open({{.name = "user", .path = {}, .bytes = std::move(user)}},
                                          device::StorageKind::emmc)
                     .unwrap()}
    {
    }
    Bootloader(const Bootloader&) = delete;
    Bootloader& operator=(const Bootloader&) = delete;
    ~Bootloader() { stop(); }

    device::Fastboot connect()
    {
        stop();
        pipe_ = device::make_pipe(512);
        thread_ = std::jthread{
            [this, cable = std::move(pipe_.phone), waiter = pipe_.waiter](const std::stop_token& token) mutable {
                RunContext context;
                context.stop = token;
                const auto end = device::run_fastboot_phone(*cable, *flash_, options_, *waiter, context);
                ignore(end, "the host is gone, or a fault struck");
                cable.reset();
            }};
        return device::Fastboot{device::make_fastboot_link(std::move(pipe_.host))};
    }
    [[nodiscard]] Bytes user() const
    {
        Bytes out(static_cast<std::size_t>(flash_->info().find("user")->size.value));
        EXPECT_TRUE(is_ok(flash_->read("user", ByteOffset{0}, out)));
        return out;
    }
    device::FastbootPhoneOptions& options() { return options_; }

private:
    void stop()
    {
        if (thread_.joinable()) {
            thread_.request_stop();
            thread_.join();
        }
    }

    std::shared_ptr<device::PhoneFlash> flash_;
    device::FastbootPhoneOptions options_;
    device::Pipe pipe_;
    std::jthread thread_;
};

/// A plan of two partitions in a small backup, for a bootloader that takes 256 KiB at once.
class RestoreByFastbootTest : public ::testing::Test {
protected:
    void SetUp() override
    {
        backup_ = Bytes(backup_bytes);
        std::uint32_t seed = 7;
        for (auto& byte : backup_) {
            seed = (seed * 1664525U) + 1013904223U;
            byte = static_cast<std::byte>(seed >> 24U);
        }
        // Zeros amid the noise: the other phone's bytes must not shine through.
        std::ranges::fill(std::span{backup_}.subspan(1U << 20U, 0x40000), std::byte{0});
        const auto path = work_.write("backup.img", backup_);
        plan_.source = path.string();
        plan_.phone = {.product = "salvage_phone", .serial = {}, .is_unlocked = true, .max_download = max_download};
        add_step(path.string(), "userdata", 0x80000, 0x180000 - 3584);
        add_step(path.string(), "metadata", 0x40000, 0x20000);
        wanted_ = Bytes(backup_bytes, std::byte{0xA5});
        for (const auto& step : plan_.steps) {
            const auto at = static_cast<std::ptrdiff_t>(step.image.range.start().value);
            std::copy_n(backup_.begin() + at, step.image.range.size().value, wanted_.begin() + at);
        }
    }

    void add_step(const std::string& path, const std::string& partition, std::uint64_t at, std::uint64_t size)
    {
        RestoreStep step;
        step.partition = partition;
        step.image = {.path = path,
                      .range = *ByteRange::make(ByteOffset{at}, ByteCount{size}),
                      .sha256 = to_hex(crypto::sha256(ByteView{backup_}.subspan(at, size)))};
        step.bytes_a_second = ByteCount{1};
        plan_.steps.push_back(step);
    }

    [[nodiscard]] std::unique_ptr<Bootloader> phone() const
    {
        auto out = std::make_unique<Bootloader>(Bytes(backup_bytes, std::byte{0xA5}));
        out->options().max_download = max_download;
        for (const auto& step : plan_.steps) {
            out->options().partitions.push_back({.name = step.partition, .range = step.image.range});
        }
        return out;
    }

    Result<ApplyReport> apply(Bootloader& phone)
    {
        const auto target = make_fastboot_target(phone.connect());
        return apply_restore(plan_, *target,
                             {.hash = hash_of(plan_),
                              .journal = work_.path() / "journal",
                              .mode = ApplyRequest::Mode::write,
                              .confirm = [](const auto&, const auto&) { return true; }},
                             {});
    }

    static constexpr std::size_t backup_bytes = 0x200000;
    static constexpr ByteCount max_download{0x40000};
    test::TemporaryFolder work_;
    Bytes backup_;
    Bytes wanted_;
    RestorePlan plan_;
};

TEST_F(RestoreByFastbootTest, RestoresASimulatedPhoneByteForByte)
{
    const auto bootloader = phone();
    const auto report = apply(*bootloader);
    ASSERT_TRUE(is_ok(report));
    EXPECT_GE(report->steps[0].pieces, 5U) << "userdata goes over in sparse pieces";
    EXPECT_EQ(report->steps[1].pieces, 1U);
    EXPECT_TRUE(bootloader->user() == wanted_);
}

TEST_F(RestoreByFastbootTest, GoesOnAfterEachPulledCable)
{
    const auto bootloader = phone();
    unsigned failures = 0;
    auto report = Result<ApplyReport>{Error{}};
    // Bytes of downloads that this connection takes before the cable is pulled.
    for (std::uint64_t cut = 100'000; !report.has_value() && cut < 2'000'000; cut += 60'000) {
        bootloader->options().faults.disconnect_at = cut;
        report = apply(*bootloader);
        if (!report.has_value()) {
            ++failures;
            ASSERT_TRUE(fails_with(report, ErrorCode::disconnected)) << cut;
        }
    }
    ASSERT_TRUE(is_ok(report));
    EXPECT_GT(failures, 3U);
    EXPECT_TRUE(bootloader->user() == wanted_);
}

TEST_F(RestoreByFastbootTest, WritesNothingToALockedPhone)
{
    const auto bootloader = phone();
    bootloader->options().faults.is_bootloader_locked = true;
    EXPECT_TRUE(fails_with(apply(*bootloader), ErrorCode::refused));
    EXPECT_TRUE(bootloader->user() == Bytes(backup_bytes, std::byte{0xA5}));
}

TEST_F(RestoreByFastbootTest, SaysWhichPartitionThePhoneRefused)
{
    const auto bootloader = phone();
    bootloader->options().faults.refused_partitions = {"metadata"};
    const auto report = apply(*bootloader);
    ASSERT_TRUE(fails_with(report, ErrorCode::refused));
    EXPECT_NE(to_string(report.error()).find("metadata"), std::string::npos);
    bootloader->options().faults.refused_partitions.clear();
    ASSERT_TRUE(is_ok(apply(*bootloader)));
    EXPECT_TRUE(bootloader->user() == wanted_);
}

} // namespace
} // namespace salvage::rescue
