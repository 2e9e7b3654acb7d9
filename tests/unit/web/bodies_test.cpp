// Bodies: ranges of files, archives on their way, paths of routes, pages in the binary.
#include <thread>

#include <gtest/gtest.h>

#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"
#include "support/assert_result.hpp"
#include "web/app.hpp"
#include "web/file_body.hpp"
#include "web/media_types.hpp"
#include "web/page_assets.hpp"
#include "web/pipe.hpp"

namespace salvage::web {
namespace {

using test::fails_with;
using test::is_ok;

ByteRange range_of(std::uint64_t start, std::uint64_t end)
{
    return ByteRange::between(ByteOffset{start}, ByteOffset{end});
}

// RFC 9110, 14.1.2 and 14.2, whose examples are over 10000 bytes.
TEST(Range, IsReadAsTheStandardSays)
{
    const ByteCount size{10'000};
    const auto part = [&](std::string_view header) {
        const auto wanted = parse_range(header, size);
        EXPECT_EQ(wanted.kind, RangeKind::part) << header;
        return wanted.range;
    };
    EXPECT_EQ(part("bytes=0-499"), range_of(0, 500));
    EXPECT_EQ(part("bytes=500-999"), range_of(500, 1000));
    EXPECT_EQ(part("bytes=-500"), range_of(9500, 10'000));
    EXPECT_EQ(part("bytes=9500-"), range_of(9500, 10'000));
    EXPECT_EQ(part("bytes=9500-99999999"), range_of(9500, 10'000));
    EXPECT_EQ(part("bytes=-99999999"), range_of(0, 10'000));
    for (const std::string_view header :
         {"bytes=10000-", "bytes=10000-10001", "bytes=-0", "bytes=18446744073709551615-"}) {
        EXPECT_EQ(parse_range(header, size).kind, RangeKind::unsatisfied) << header;
    }
    // What is no range of bytes is passed over, several at once too: all is sent.
    for (const std::string_view header :
         {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-4", "items=0-1", "bytes=0-1,3-4", "bytes=0x0-1",
          "bytes= 0-1", "bytes=-5-6", "bytes=99999999999999999999-"}) {
        EXPECT_EQ(parse_range(header, size).kind, RangeKind::whole) << header;
    }
    EXPECT_EQ(parse_range("bytes=0-0", ByteCount{0}).kind, RangeKind::unsatisfied);
    EXPECT_EQ(parse_range("bytes=-1", ByteCount{0}).kind, RangeKind::unsatisfied);
}

class StringClient final : public Client {
public:
    bool write(std::string_view bytes) override
    {
        got += bytes;
        return got.size() < limit;
    }
    [[nodiscard]] bool is_there() const override { return true; }
    std::string got;
    std::size_t limit{std::string::npos};
};

std::string all_of(const Answer& answer, std::size_t limit = std::string::npos)
{
    StringClient client;
    client.limit = limit;
    while (answer.stream && answer.stream->next(client) == Next::more) {
    }
    return client.got;
}

io::SourcePtr numbers(std::size_t size)
{
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<std::byte>(i % 251);
    }
    return io::make_memory(std::move(bytes), "numbers");
}

TEST(FileBody, GivesWhatItsHeadersSay)
{
    const auto source = numbers(700'000);
    const auto bytes = io::read_all(*source, source->size()).unwrap();
    const std::string whole{as_text(bytes)};
    const auto all = file_answer(source, "");
    EXPECT_EQ(all.status, 200);
    EXPECT_EQ(all.stream->size, 700'000U);
    EXPECT_EQ(all_of(all), whole);
    const auto part = file_answer(source, "bytes=261999-600000");
    EXPECT_EQ(part.status, 206);
    EXPECT_EQ(part.stream->size, 600'000U - 261'999 + 1);
    EXPECT_EQ(all_of(part), whole.substr(261'999, 600'000 - 261'999 + 1));
    const auto none = file_answer(source, "bytes=700000-");
    EXPECT_EQ(none.status, 416);
    EXPECT_FALSE(none.stream);
    EXPECT_FALSE(file_answer(numbers(0), "").stream);
}

TEST(FileBody, GivesZerosForWhatIsLost)
{
    const auto source = io::make_with_bad_areas(numbers(5000), {range_of(1000, 1512), range_of(4990, 6000)});
    auto expected = std::string{as_text(io::read_all(*numbers(5000), ByteCount{5000}).unwrap())};
    std::fill(expected.begin() + 1000, expected.begin() + 1512, '\0');
    std::fill(expected.begin() + 4990, expected.end(), '\0');
    EXPECT_EQ(all_of(file_answer(source, "")), expected);
}

TEST(FileBody, EndsWithAClientThatLeaves)
{
    EXPECT_LT(all_of(file_answer(numbers(5'000'000), ""), 1).size(), 1'000'000U);
}

TEST(Pipe, GivesEveryByteInOrderWhateverThePieces)
{
    const auto source = numbers((5U << 20U) + 17);
    const auto bytes = io::read_all(*source, source->size()).unwrap();
    Pipe pipe;
    std::jthread writer{[&] {
        for (std::size_t at = 0; at < bytes.size(); at += 70'001) {
            EXPECT_TRUE(
                is_ok(pipe.write(ByteView{bytes}.subspan(at, std::min<std::size_t>(70'001, bytes.size() - at)))));
        }
        pipe.finish(true);
    }};
    Bytes got;
    while (const auto piece = pipe.read()) {
        EXPECT_LE(piece->size(), Pipe::piece_bytes);
        got.insert(got.end(), piece->begin(), piece->end());
    }
    EXPECT_TRUE(pipe.is_whole());
    EXPECT_EQ(got, bytes);
}

TEST(Pipe, HoldsUpAWriterWhoseReaderIsBehind)
{
    Pipe pipe;
    const Bytes piece(Pipe::piece_bytes);
    std::atomic<std::size_t> written{0};
    std::jthread writer{[&] {
        while (pipe.write(piece).has_value()) {
            ++written;
        }
    }};
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
    EXPECT_LE(written, Pipe::max_pieces);
    pipe.abandon(); // and lets it go when the reader leaves
    writer.join();
    EXPECT_TRUE(fails_with(pipe.write(piece), ErrorCode::cancelled));
}

TEST(Pipe, TellsAnEndThatCameTooEarly)
{
    Pipe pipe;
    ASSERT_TRUE(is_ok(pipe.write(as_bytes("half"))));
    pipe.finish(false);
    EXPECT_EQ(pipe.read()->size(), 4U);
    EXPECT_FALSE(pipe.read());
    EXPECT_FALSE(pipe.is_whole());
}

TEST(Routes, MatchWholePathsAlone)
{
    using Parts = std::vector<std::string>;
    EXPECT_EQ(match("/api/v1/jobs", "/api/v1/jobs"), Parts{});
    EXPECT_EQ(match("/api/v1/jobs/{}", "/api/v1/jobs/3"), Parts{"3"});
    EXPECT_EQ(match("/api/v1/jobs/{}/{}", "/api/v1/jobs/3/stop"), (Parts{"3", "stop"}));
    EXPECT_EQ(match("/api/v1/jobs", "/api/v1/jobs/"), std::nullopt);
    EXPECT_EQ(match("/api/v1/jobs/{}", "/api/v1/jobs/"), std::nullopt);
    EXPECT_EQ(match("/api/v1/jobs/{}", "/api/v1/jobs/3/stop"), std::nullopt);
    EXPECT_EQ(match("/api/v1/jobs/{}", "/api/v1"), std::nullopt);
}

TEST(MediaTypes, AreThoseInWhichNothingRuns)
{
    EXPECT_EQ(media_type("IMG.JPG"), "image/jpeg");
    for (const std::string_view name : {"x.html", "x.HTM", "x.svg", "x.xml", "x.js", "x.css"}) {
        EXPECT_EQ(media_type(name), "text/plain; charset=utf-8") << name;
    }
    for (const std::string_view name : {"x.xhtml", "x.pdf", "x.swf", "x.mht", "x", "", "html", "x.jpg."}) {
        EXPECT_EQ(media_type(name), "application/octet-stream") << name;
    }
}

TEST(PageAssets, AreFoundByPathAndNothingElseIs)
{
    ASSERT_NE(find_asset("/"), nullptr);
    EXPECT_EQ(find_asset("/")->path, "/index.html");
    EXPECT_EQ(find_asset("/files")->path, "/index.html"); // the page finds its view by the path
    EXPECT_FALSE(find_asset("/index.html")->bytes.empty());
    for (const std::string_view path : {"/api/v1/nothing", "/assets/nothing", "/x.js", "/../etc/passwd.txt"}) {
        EXPECT_EQ(find_asset(path), nullptr) << path;
    }
}

} // namespace
} // namespace salvage::web
