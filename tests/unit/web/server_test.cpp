// The server as a whole: how it begins and how it ends.
#include "web/server.hpp"

#include <charconv>
#include <chrono>
#include <future>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "support/assert_result.hpp"

namespace salvage::web {
namespace {

using namespace std::chrono_literals;
using test::fails_with;
using test::is_ok;

constexpr auto patience = 60s;

std::uint16_t port_of(std::string_view link)
{
    constexpr std::string_view before = "http://127.0.0.1:";
    std::uint16_t out = 0;
    link.remove_prefix(std::min(before.size(), link.size()));
    std::from_chars(link.data(), link.data() + link.size(), out);
    return out;
}

/// The port that a socket of this process listens on, or 0.
std::uint16_t listening_port(int descriptor)
{
    int listens = 0;
    socklen_t size = sizeof listens;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) {
        return 0;
    }
    sockaddr_in own{};
    size = sizeof own;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): as the call wants it
    ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&own), &size);
    return own.sin_family == AF_INET ? ntohs(own.sin_port) : 0;
}

/// A server in a thread of its own.
class ServeTest : public ::testing::Test {
protected:
    ServeTest() { context.stop = stop.get_token(); }
    ~ServeTest() override { stop.request_stop(); }

    [[nodiscard]] std::future<Result<>> started(std::uint16_t port, std::promise<std::string>& told) const
    {
        ServeRequest request{
            .port = port, .version = "test", .on_link = [&told](const std::string& text) { told.set_value(text); }};
        return std::async(std::launch::async, serve, std::move(request), context);
    }

    std::stop_source stop;
    RunContext context;
    std::promise<std::string> link;
    std::promise<std::string> other_link;
    std::future<Result<>> server; ///< waits for its end when it goes
    std::future<Result<>> other;
};

TEST_F(ServeTest, EndsWhenItIsStoppedHoweverSoon)
{
    stop.request_stop();
    server = started(0, link);
    ASSERT_EQ(server.wait_for(patience), std::future_status::ready);
    EXPECT_TRUE(is_ok(server.get()));
    EXPECT_NE(port_of(link.get_future().get()), 0);
}

TEST_F(ServeTest, EndsWithAnErrorWhereConnectionsAreNoLongerAccepted)
{
    server = started(0, link);
    const auto port = port_of(link.get_future().get());
    ASSERT_NE(port, 0);
    int listener = 0;
    while (listener < FD_SETSIZE && listening_port(listener) != port) {
        ++listener;
    }
    ASSERT_LT(listener, FD_SETSIZE);
    ASSERT_EQ(::shutdown(listener, SHUT_RDWR), 0);
    ASSERT_EQ(server.wait_for(patience), std::future_status::ready);
    EXPECT_TRUE(fails_with(server.get(), ErrorCode::io));
}

TEST_F(ServeTest, SharesItsPortWithNoOtherServer)
{
    server = started(0, link);
    other = started(port_of(link.get_future().get()), other_link);
    ASSERT_EQ(other.wait_for(patience), std::future_status::ready);
    EXPECT_TRUE(fails_with(other.get(), ErrorCode::io));
    stop.request_stop();
    EXPECT_TRUE(is_ok(server.get()));
}

} // namespace
} // namespace salvage::web
