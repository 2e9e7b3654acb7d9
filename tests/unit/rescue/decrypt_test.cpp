// Writing the decrypted image: the same bytes whatever the threads, the damage and the interruptions.
#include "salvage/rescue/decrypt.hpp"

#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "salvage/crypto/hash.hpp"
#include "salvage/io/missing.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"
#include "unit/rescue/fake_filesystem.hpp"
#include "unit/rescue/small_disk.hpp"
#include "unit/rescue/stop_at.hpp"

namespace salvage::rescue {
namespace {

using test::fails_with;
using test::is_ok;
using test::noise;
using test::quoted;

constexpr std::uint64_t mib = 1U << 20U;

/// Noise with a run of zeros, a run of one word, and a tail that is no block.
Bytes volume(std::uint64_t size)
{
    auto out = noise(size);
    const auto fill = [&](std::uint64_t from, std::uint64_t to, std::byte value) {
        for (auto at = std::min(from, size); at < std::min(to, size); ++at) {
            out[at] = value;
        }
    };
    fill(mib / 2, 2 * mib, std::byte{0});
    fill((2 * mib) + 8192, (2 * mib) + 40960, std::byte{0xA5});
    return out;
}

io::SourcePtr source_of(const Bytes& bytes)
{
    return io::make_memory(bytes, "plain");
}

std::string sha256_hex(ByteView bytes)
{
    return to_hex(crypto::sha256(bytes));
}

/// What simg2img, which is not ours, makes of a sparse image.
std::optional<Bytes> unpacked(const std::filesystem::path& image)
{
    const auto raw = image.string() + ".unpacked";
    if (!test::run_command("simg2img " + quoted(image.string()) + " " + quoted(raw) + " 2>&1")) {
        return std::nullopt;
    }
    return test::read_file(raw);
}

bool has_simg2img()
{
    return test::run_command("command -v simg2img").has_value();
}

DecryptOptions as_sparse()
{
    return {.format = ImageFormat::android_sparse, .source_identity = "phone"};
}

TEST(Decrypt, WritesTheVolumeByteForByteWhateverTheThreads)
{
    const auto bytes = volume((5 * mib) + 1234);
    for (const unsigned workers : {1U, 2U, 3U, 8U}) {
        const test::TemporaryFolder folder;
        const auto out = folder.path() / "userdata.img";
        const auto report =
            decrypt_to_file(source_of(bytes), out, {.source_identity = "phone", .workers = workers}, {});
        ASSERT_TRUE(is_ok(report));
        EXPECT_EQ(test::read_file(out), bytes);
        EXPECT_EQ(report->sha256, sha256_hex(bytes));
        EXPECT_EQ(report->size.value, bytes.size());
        EXPECT_EQ(report->resumed.value, 0U);
        EXPECT_FALSE(std::filesystem::exists(out.string() + ".partial"));
        EXPECT_FALSE(std::filesystem::exists(out.string() + ".partial.state"));
    }
}

TEST(Decrypt, TakesVolumesOfEverySize)
{
    for (const std::uint64_t size : std::vector<std::uint64_t>{0, 1, 511, 4096, 4097, mib - 1, mib, mib + 1}) {
        const auto bytes = volume(size);
        const test::TemporaryFolder folder;
        const auto raw = decrypt_to_file(source_of(bytes), folder.path() / "raw", {.source_identity = "phone"}, {});
        ASSERT_TRUE(is_ok(raw)) << size;
        EXPECT_EQ(test::read_file(folder.path() / "raw"), bytes);
        const auto sparse = decrypt_to_file(source_of(bytes), folder.path() / "sparse", as_sparse(), {});
        ASSERT_TRUE(is_ok(sparse)) << size;
        EXPECT_EQ(sparse->sha256, raw->sha256);
        const auto image = io::make_sparse(*io::open_file(folder.path() / "sparse"));
        ASSERT_TRUE(is_ok(image)) << size;
        auto padded = bytes;
        padded.resize((size + 4095) / 4096 * 4096);
        EXPECT_EQ(*io::read_all(**image, ByteCount{16 * mib}), padded) << size;
    }
}

TEST(Decrypt, LeavesZerosAsHoles)
{
    const auto bytes = volume(4 * mib);
    const test::TemporaryFolder folder;
    ASSERT_TRUE(is_ok(decrypt_to_file(source_of(bytes), folder.path() / "raw", {.source_identity = "phone"}, {})));
    struct stat status{};
    ASSERT_EQ(::stat((folder.path() / "raw").c_str(), &status), 0);
    EXPECT_LE(static_cast<std::uint64_t>(status.st_blocks) * 512, (5 * mib / 2) + 65536);
}

TEST(Decrypt, WritesSparseImagesThatSimg2imgUnpacks)
{
    if (!has_simg2img()) {
        GTEST_SKIP() << "simg2img is not installed";
    }
    const auto bytes = volume((5 * mib) + 1234);
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "sparse.img";
    const auto report = decrypt_to_file(source_of(bytes), out, as_sparse(), {});
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->sha256, sha256_hex(bytes));
    EXPECT_LT(std::filesystem::file_size(out), bytes.size() - mib);
    auto padded = bytes;
    padded.resize((bytes.size() + 4095) / 4096 * 4096);
    EXPECT_EQ(unpacked(out), padded);
}

TEST(Decrypt, LeavesUnreadableAreasAsHolesAndNamesThem)
{
    auto bytes = volume(4 * mib);
    const auto bad = *ByteRange::make(ByteOffset{(3 * mib) - 4096}, ByteCount{12288});
    const auto damaged = io::make_with_bad_areas(source_of(bytes), {bad});
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>((3 * mib) - 4096), 12288, std::byte{0});
    const test::TemporaryFolder folder;
    const auto raw = decrypt_to_file(damaged, folder.path() / "raw", {.source_identity = "phone"}, {});
    ASSERT_TRUE(is_ok(raw));
    EXPECT_EQ(raw->sha256, "");
    EXPECT_EQ(raw->lost, std::vector{bad});
    EXPECT_EQ(test::read_file(folder.path() / "raw"), bytes);
    const auto sparse = decrypt_to_file(damaged, folder.path() / "sparse", as_sparse(), {});
    ASSERT_TRUE(is_ok(sparse));
    const auto image = *io::make_sparse(*io::open_file(folder.path() / "sparse"));
    EXPECT_EQ(*io::read_all(*image, ByteCount{16 * mib}), bytes);
    const auto extents = image->extents(bad);
    ASSERT_TRUE(is_ok(extents));
    EXPECT_EQ(extents->front().kind, io::ExtentKind::hole) << "what is lost is nobody's zeros";
}

Result<DecryptReport> stopped_at(std::uint64_t at, const io::SourcePtr& plain, const std::filesystem::path& out,
                                 const DecryptOptions& options)
{
    std::stop_source stop;
    StopAt progress{stop, at};
    RunContext context;
    context.progress = &progress;
    context.stop = stop.get_token();
    return decrypt_to_file(plain, out, options, context);
}

TEST(Decrypt, GoesOnWhereItWasStopped)
{
    const auto bytes = volume((5 * mib) + 1234);
    for (const auto format : {ImageFormat::raw, ImageFormat::android_sparse}) {
        for (std::uint64_t stop_at = mib; stop_at <= 5 * mib; stop_at += mib) {
            const test::TemporaryFolder folder;
            const auto out = folder.path() / "image";
            const DecryptOptions options{.format = format, .source_identity = "phone", .workers = 2};
            ASSERT_TRUE(fails_with(stopped_at(stop_at, source_of(bytes), out, options), ErrorCode::cancelled));
            EXPECT_FALSE(std::filesystem::exists(out));
            io::ReadCounters counters;
            const auto report = decrypt_to_file(io::make_counting(source_of(bytes), counters), out, options, {});
            ASSERT_TRUE(is_ok(report));
            EXPECT_EQ(report->resumed.value, stop_at);
            EXPECT_EQ(report->sha256, sha256_hex(bytes));
            if (format == ImageFormat::raw) {
                EXPECT_EQ(counters.bytes.load(), bytes.size() - stop_at) << "what was written was deciphered again";
                EXPECT_EQ(test::read_file(out), bytes);
            } else {
                auto padded = bytes;
                padded.resize((bytes.size() + 4095) / 4096 * 4096);
                EXPECT_EQ(*io::read_all(**io::make_sparse(*io::open_file(out)), ByteCount{16 * mib}), padded);
            }
        }
    }
}

TEST(Decrypt, WithoutAHashItWritesTheSame)
{
    const auto bytes = volume((5 * mib) + 1234);
    for (std::uint64_t stop_at = mib; stop_at <= 5 * mib; stop_at += 2 * mib) {
        const test::TemporaryFolder folder;
        const auto out = folder.path() / "image";
        const DecryptOptions plain{.source_identity = "phone", .workers = 2, .hashing = Hashing::no};
        ASSERT_TRUE(fails_with(stopped_at(stop_at, source_of(bytes), out, plain), ErrorCode::cancelled));
        // Whoever wants a hash after all gets it, of what was written before, too.
        auto options = plain;
        options.hashing = stop_at == 3 * mib ? Hashing::yes : Hashing::no;
        const auto report = decrypt_to_file(source_of(bytes), out, options, {});
        ASSERT_TRUE(is_ok(report));
        EXPECT_EQ(report->sha256, options.hashing == Hashing::yes ? sha256_hex(bytes) : "");
        EXPECT_EQ(report->hashing, options.hashing);
        EXPECT_EQ(test::read_file(out), bytes);
    }
}

TEST(Decrypt, RemembersWhatWasLostBeforeItWasStopped)
{
    const auto bytes = volume(4 * mib);
    const auto bad = *ByteRange::make(ByteOffset{512}, ByteCount{512});
    const auto damaged = io::make_with_bad_areas(source_of(bytes), {bad});
    for (const auto format : {ImageFormat::raw, ImageFormat::android_sparse}) {
        const test::TemporaryFolder folder;
        const DecryptOptions options{.format = format, .source_identity = "phone"};
        const auto out = folder.path() / "image";
        ASSERT_TRUE(fails_with(stopped_at(2 * mib, damaged, out, options), ErrorCode::cancelled));
        const auto report = decrypt_to_file(damaged, out, options, {});
        ASSERT_TRUE(is_ok(report));
        EXPECT_EQ(report->lost, std::vector{bad});
        EXPECT_EQ(report->sha256, "");
    }
}

TEST(Decrypt, DoesNotGoOnWithAnotherSourcesImage)
{
    const auto bytes = volume(4 * mib);
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "image";
    ASSERT_TRUE(
        fails_with(stopped_at(2 * mib, source_of(bytes), out, {.source_identity = "mine"}), ErrorCode::cancelled));
    EXPECT_TRUE(fails_with(decrypt_to_file(source_of(bytes), out, {.source_identity = "yours"}, {}),
                           ErrorCode::already_exists));
    EXPECT_TRUE(fails_with(decrypt_to_file(source_of(volume(3 * mib)), out, {.source_identity = "mine"}, {}),
                           ErrorCode::already_exists));
    EXPECT_TRUE(is_ok(decrypt_to_file(source_of(bytes), out, {.source_identity = "mine"}, {})));
}

TEST(Decrypt, NeverOverwritesAnImage)
{
    const auto bytes = volume(mib);
    const test::TemporaryFolder folder;
    const auto out = folder.write("image", as_bytes("mine"));
    EXPECT_TRUE(
        fails_with(decrypt_to_file(source_of(bytes), out, {.source_identity = "x"}, {}), ErrorCode::already_exists));
    EXPECT_EQ(test::read_file(out).size(), 4U);
}

TEST(Decrypt, StartsOverWhereTheStateDoesNotFit)
{
    const auto bytes = volume(4 * mib);
    const std::string good = R"({"schema":"salvage.decrypt-state/1","source":"x","size":4194304,"format":"raw",)";
    for (const auto* const rest :
         {R"("chunks":99,"sparse":[28,0,0],"lost":[]})", R"("chunks":2,"sparse":[28,0],"lost":[]})",
          R"("chunks":2,"sparse":[28,0,0],"lost":[4]})", R"("chunks":2,"sparse":[28,0,0],"lost":[4194304,1]})",
          R"("chunks":2,"sparse":[28,0,0],"lost":"none"})", R"("chunks":-1})"}) {
        const test::TemporaryFolder folder;
        static_cast<void>(folder.write("image.partial", Bytes(4 * mib)));
        static_cast<void>(folder.write("image.partial.state", as_bytes(good + rest)));
        const auto report = decrypt_to_file(source_of(bytes), folder.path() / "image", {.source_identity = "x"}, {});
        ASSERT_TRUE(is_ok(report)) << rest;
        EXPECT_EQ(test::read_file(folder.path() / "image"), bytes) << rest;
    }
    const test::TemporaryFolder folder;
    static_cast<void>(folder.write("image.partial", Bytes(100)));
    static_cast<void>(
        folder.write("image.partial.state", as_bytes(good + R"("chunks":2,"sparse":[28,0,0],"lost":[]})")));
    ASSERT_TRUE(is_ok(decrypt_to_file(source_of(bytes), folder.path() / "image", {.source_identity = "x"}, {})));
    EXPECT_EQ(test::read_file(folder.path() / "image"), bytes) << "the .partial is shorter than its state says";
}

TEST(Decrypt, EndsWellWhicheverReadFails)
{
    const auto bytes = volume(4 * mib);
    for (std::uint64_t failing = 1; failing <= 4; ++failing) {
        const test::TemporaryFolder folder;
        const auto out = folder.path() / "image";
        const DecryptOptions options{.source_identity = "x", .workers = 2};
        EXPECT_TRUE(
            fails_with(decrypt_to_file(io::make_faulty(source_of(bytes), failing), out, options, {}), ErrorCode::io));
        EXPECT_FALSE(std::filesystem::exists(out));
        ASSERT_TRUE(is_ok(decrypt_to_file(source_of(bytes), out, options, {})));
        EXPECT_EQ(test::read_file(out), bytes);
    }
}

TEST(Decrypt, SaysHowMuchRoomIsMissingAndGoesOnWhenThereIsMore)
{
    const test::TemporaryFolder folder;
    const test::SmallDisk disk{folder.path() / "disk"};
    if (!disk.is_mounted()) {
        GTEST_SKIP() << "mounting a small filesystem is not permitted here";
    }
    const auto bytes = noise(6 * mib);
    const auto out = folder.path() / "disk/image";
    const DecryptOptions options{.source_identity = "x", .workers = 1};
    const auto full = decrypt_to_file(source_of(bytes), out, options, {});
    ASSERT_TRUE(fails_with(full, ErrorCode::no_space));
    EXPECT_NE(full.error().what.find("bytes) more are needed"), std::string::npos) << full.error().what;
    EXPECT_FALSE(std::filesystem::exists(out));
    disk.enlarge();
    const auto report = decrypt_to_file(source_of(bytes), out, options, {});
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->resumed.value, mib) << "what was written is safe, but for what the state itself takes";
    EXPECT_EQ(test::read_file(out), bytes);
}

TEST(Decrypt, RefusesAVolumeThatNoImageHolds)
{
    const test::TemporaryFolder folder;
    EXPECT_TRUE(fails_with(decrypt_to_file(io::make_missing(ByteCount{(16ULL << 40U) + 1}, "x"),
                                           folder.path() / "image", {.source_identity = "x"}, {}),
                           ErrorCode::unsupported));
    EXPECT_TRUE(fails_with(
        decrypt_to_file(source_of(Bytes(512)), folder.path() / "no/such/folder", {.source_identity = "x"}, {}),
        ErrorCode::io));
}

} // namespace
} // namespace salvage::rescue
