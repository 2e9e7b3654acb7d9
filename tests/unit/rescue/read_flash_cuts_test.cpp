// Ten thousand random cuts: whatever ends a read, and whenever, the next ones end with the same image.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>

#include "fake_flash.hpp"
#include "salvage/io/ddrescue_map.hpp"
#include "salvage/rescue/read_flash.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::rescue {
namespace {

using test::FakeFlash;
using test::Killed;

constexpr unsigned wanted_cuts = 10'000;

/// In memory where there is such a place: each run flushes a dozen times.
class MemoryFolder {
public:
    MemoryFolder()
    {
        const auto base = std::filesystem::is_directory("/dev/shm") ? std::filesystem::path{"/dev/shm"}
                                                                    : std::filesystem::temp_directory_path();
        auto pattern = (base / "salvage-cuts-XXXXXX").string();
        if (mkdtemp(pattern.data()) == nullptr) {
            throw std::runtime_error{"no temporary folder can be made"};
        }
        path_ = pattern;
    }
    MemoryFolder(const MemoryFolder&) = delete;
    MemoryFolder& operator=(const MemoryFolder&) = delete;
    ~MemoryFolder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

/// A clock whose n-th question is its last: a kill between what is written and what the map says of it.
class DeadlyClock final : public Clock {
public:
    [[nodiscard]] std::chrono::nanoseconds now() const override
    {
        if (questions_left && (*questions_left)-- == 0) {
            questions_left.reset();
            throw Killed{};
        }
        return now_ += std::chrono::milliseconds{700};
    }
    [[nodiscard]] std::chrono::seconds wall_time() const override { return std::chrono::seconds{1}; }

    mutable std::optional<unsigned> questions_left;

private:
    mutable std::chrono::nanoseconds now_{0};
};

std::filesystem::path with(const std::filesystem::path& path, std::string_view ending)
{
    auto out = path;
    out += ending;
    return out;
}

Bytes content_of(const std::filesystem::path& path)
{
    Bytes out(std::filesystem::file_size(path));
    std::ifstream file{path, std::ios::binary};
    std::string text(out.size(), '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    std::ranges::copy(as_bytes(text), out.begin());
    return out;
}

class Cuts {
public:
    explicit Cuts(std::uint32_t seed) : random_{seed} {}

    unsigned cuts{0};
    unsigned kills{0};

    void rescue_one(const std::filesystem::path& out)
    {
        FakeFlash flash;
        // Most are small, so that there can be many.
        const auto sectors = 16 + (random_() % (random_() % 64 == 0 ? 2048U : 112U));
        flash.regions = {
            {.name = "user", .bytes = test::make_content(sectors * 512, static_cast<std::uint32_t>(random_()))}};
        flash.packet = 512U << (random_() % 5);
        if (random_() % 3 == 0) {
            const auto bad = random_() % sectors * 512;
            flash.regions[0].bad = {test::area(bad, bad + 512)};
        }
        ReadOptions options;
        options.request = ByteCount{4096U << (random_() % 5)};
        options.cluster = ByteCount{4096};
        for (;;) {
            options.max_reconnects = random_() % 2;
            const auto is_done = run_once(flash, out, options);
            check_no_lies(flash.regions[0], out);
            if (::testing::Test::HasFailure()) {
                return;
            }
            if (is_done) {
                break;
            }
            if (random_() % 4 == 0) {
                spoil_unclaimed(out);
            }
        }
        check_whole(flash.regions[0], out);
    }

private:
    bool run_once(FakeFlash& flash, const std::filesystem::path& out, const ReadOptions& options)
    {
        DeadlyClock clock;
        RunContext context;
        context.clock = &clock;
        const auto size = flash.regions[0].bytes.size();
        flash.cut_after.reset();
        flash.kill_after.reset();
        switch (random_() % 8) {
        case 0: break; // to its end
        case 1:
        case 2: clock.questions_left = random_() % 12; break;
        case 3:
        case 4:
        case 5: flash.kill_after = random_() % size; break;
        default: flash.cut_after = random_() % size; break;
        }
        const auto has_cut = flash.cut_after.has_value();
        try {
            const auto report = read_flash(flash.connector(), out, options, context);
            if (!report.has_value()) {
                EXPECT_TRUE(test::fails_with(report, ErrorCode::disconnected));
                ++cuts;
                return false;
            }
            cuts += has_cut && !flash.cut_after ? 1U : 0U; // the device came back within the run
            return true;
        } catch (const Killed&) {
            ++cuts;
            ++kills;
            return false;
        }
    }

    /// What the map calls finished is in the file, and right.
    static void check_no_lies(const FakeFlash::Region& region, const std::filesystem::path& out)
    {
        if (!std::filesystem::exists(with(out, ".map"))) {
            return;
        }
        const auto map = io::parse_rescue_map(as_text(content_of(with(out, ".map"))));
        ASSERT_TRUE(test::is_ok(map));
        const auto file = content_of(std::filesystem::exists(out) ? out : with(out, ".partial"));
        for (const auto& block : map->blocks()) {
            if (block.status != io::BlockStatus::finished) {
                continue;
            }
            const auto at = static_cast<std::size_t>(block.range.start().value);
            const auto count = static_cast<std::size_t>(block.range.size().value);
            ASSERT_LE(at + count, file.size());
            ASSERT_TRUE(
                std::ranges::equal(ByteView{file}.subspan(at, count), ByteView{region.bytes}.subspan(at, count)))
                << "the map claims bytes at " << at << " that are not in the file";
        }
    }

    /// What a power cut may leave: blocks that were written and never claimed.
    static void spoil_unclaimed(const std::filesystem::path& out)
    {
        if (!std::filesystem::exists(with(out, ".map")) || !std::filesystem::exists(with(out, ".partial"))) {
            return;
        }
        const auto map = io::parse_rescue_map(as_text(content_of(with(out, ".map"))));
        ASSERT_TRUE(test::is_ok(map));
        std::fstream file{with(out, ".partial"), std::ios::binary | std::ios::in | std::ios::out};
        for (const auto& area : map->unfinished(ByteRange::first(map->size()))) {
            file.seekp(static_cast<std::streamoff>(area.start().value));
            const std::string junk(static_cast<std::size_t>(area.size().value), '\xA5');
            file.write(junk.data(), static_cast<std::streamsize>(junk.size()));
        }
    }

    static void check_whole(const FakeFlash::Region& region, const std::filesystem::path& out)
    {
        auto expected = region.bytes;
        for (const auto& bad : region.bad) {
            std::fill_n(expected.begin() + static_cast<std::ptrdiff_t>(bad.start().value), bad.size().value,
                        std::byte{0});
        }
        ASSERT_EQ(content_of(out), expected);
        const auto bad = io::parse_bad_areas(as_text(content_of(with(out, ".map"))));
        ASSERT_TRUE(test::is_ok(bad));
        ASSERT_EQ(*bad, region.bad);
    }

    std::mt19937 random_;
};

TEST(ReadFlashCuts, TenThousandCutsLeaveTheSameImageEveryTime)
{
    const MemoryFolder folder;
    Cuts cuts{20160704};
    for (unsigned image = 0; cuts.cuts < wanted_cuts; ++image) {
        const auto place = folder.path() / std::to_string(image);
        std::filesystem::create_directory(place);
        cuts.rescue_one(place / "dump.bin");
        ASSERT_FALSE(HasFailure()) << "image " << image << ", after " << cuts.cuts << " cuts";
        std::filesystem::remove_all(place);
    }
    EXPECT_GT(cuts.kills, wanted_cuts / 3);
    RecordProperty("cuts", std::to_string(cuts.cuts));
    RecordProperty("kills", std::to_string(cuts.kills));
}

} // namespace
} // namespace salvage::rescue
